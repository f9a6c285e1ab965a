from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from trainband.models.catalog import BUILT_IN, CatalogError, find_model, load_catalog, register

FRAMEWORKS = ("tensorflow", "keras", "jax", "torch", "sklearn", "tensorflow_datasets")


def in_a_fresh_process(code: str, *, path: Path | None = None) -> str:
    """What `code` prints, with `path` as one more site directory."""
    environ = {**os.environ, "PYTHONPATH": str(path)} if path else dict(os.environ)
    command = [sys.executable, "-P", "-c", dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site directory with the distribution `other`, whose entry point adds the model other_digits."""
    (tmp_path / "other.py").write_text(
        dedent("""
            from dataclasses import replace
            from trainband.models.rows.images import MLP_DIGITS

            ROW = replace(MLP_DIGITS, name="other_digits")
            TWICE = MLP_DIGITS
            def worse():
                return [replace(ROW, kind="pictures")]
            def rows():
                return [ROW, replace(ROW, name="another_digits")]
        """)
    )
    return tmp_path


def install(site: Path, entry: str) -> None:
    info = site / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[trainband.models]\nany_name = {entry}\n")


LIST = """
    import json
    from trainband.models.catalog import load_catalog
    print(json.dumps({name: model.owner for name, model in load_catalog().items()}))
"""


def test_importing_the_catalog_imports_no_framework() -> None:
    loaded = in_a_fresh_process(
        "import sys, trainband.models.catalog as catalog; catalog.load_catalog(); print(*sys.modules)"
    )
    assert set(FRAMEWORKS) & set(loaded.split()) == set()


@pytest.mark.parametrize(
    ("entry", "names"), [("other:ROW", ["other_digits"]), ("other:rows", ["other_digits", "another_digits"])]
)
def test_another_distribution_adds_models_by_an_entry_point(site: Path, entry: str, names: list[str]) -> None:
    install(site, entry)
    owners = json.loads(in_a_fresh_process(LIST, path=site))
    assert list(owners) == [*(row.name for row in BUILT_IN), *names]
    assert {owners[name] for name in names} == {"other"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("other:TWICE", "model 'mlp_digits' is registered twice (by trainband and other); rename one"),
        ("other:__all__", "entry point 'any_name' of other: other:__all__ does not load: AttributeError"),
        ("nobody:ROW", "entry point 'any_name' of other: nobody:ROW does not load: ModuleNotFoundError"),
        (
            "other:worse",
            "other:worse does not load: ValueError: model other_digits: kind 'pictures' is not one of 'vision'",
        ),
        ("other:__name__", "entry point 'any_name' of other: 'o' is no ReferenceModel"),
    ],
)
def test_an_entry_point_that_cannot_stand_is_refused(site: Path, entry: str, message: str) -> None:
    install(site, entry)
    code = """
        from trainband.models.catalog import CatalogError, load_catalog
        try:
            load_catalog()
        except CatalogError as error:
            print(error)
    """
    assert message in in_a_fresh_process(code, path=site)


def test_a_package_that_does_not_load_is_one_line_for_every_verb(site: Path) -> None:
    install(site, "nobody:ROW")
    environ = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-P", "-m", "trainband", "list", "models"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("trainband list: entry point 'any_name' of other: nobody:ROW does not load")


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(CatalogError, match="'mlp_digits' is registered twice"):
        register([*BUILT_IN, BUILT_IN[0]])


def test_the_catalog_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        load_catalog()["mine"] = BUILT_IN[0]  # type: ignore[index]


def test_a_model_is_found_by_its_name() -> None:
    assert find_model("cnn_digits").name == "cnn_digits"


def test_a_misspelt_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(KeyError) as caught:
        find_model("resnet21_cifar10")
    message = caught.value.args[0]
    assert "no model 'resnet21_cifar10'" in message
    assert "(did you mean 'resnet20_cifar10'?)" in message
    assert all(repr(row.name) in message for row in BUILT_IN)
