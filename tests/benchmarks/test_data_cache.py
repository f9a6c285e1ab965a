from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainband.benchmarks.data import cache, state
from trainband.benchmarks.data.embedded import arrays
from trainband.benchmarks.data.write import write_arrays
from trainband.models.datasets import DATASETS, DIGITS, MNIST

FILES = [f"{name}.npy" for name in DIGITS.digests]
Flip = Callable[[Path, int], None]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sklearn", reason="the digits ship with scikit-learn")
    folder = cache.dataset_path(DIGITS, tmp_path_factory.mktemp("cache"))
    folder.mkdir(parents=True)
    write_arrays(DIGITS, arrays(DIGITS), folder, provenance={"way": "embedded"})
    return folder


@pytest.fixture
def root(digits: Path, tmp_path: Path) -> Path:
    """A cache of the test's own, with the digits in it."""
    shutil.copytree(digits, cache.dataset_path(DIGITS, tmp_path))
    return tmp_path


@pytest.mark.parametrize("mmap", [True, False])
def test_load_returns_read_only_arrays_with_the_digests_of_the_catalog(root: Path, mmap: bool) -> None:
    data = cache.load(DIGITS, root, mmap=mmap)
    assert data.train["inputs"].shape == (1437, 8, 8, 1)
    assert data.test["labels"].shape == (360,)
    assert (data.test["inputs"].dtype, data.test["labels"].dtype) == (np.dtype("u1"), np.dtype("i4"))
    assert not any(array.flags.writeable for array in data.arrays.values())
    assert data.digests == DIGITS.digests
    assert data.digest == cache.dataset_digest(DIGITS.digests)


def test_the_digits_keep_their_values_and_their_split_mixes_the_classes(root: Path) -> None:
    data = cache.load(DIGITS, root)
    assert data.train["inputs"].max() == DIGITS.input_maximum == 16
    assert np.bincount(data.train["labels"]).min() > 130
    assert np.bincount(data.test["labels"]).min() > 30


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_named_with_both_digests_and_the_way_out(root: Path, name: str, flip: Flip) -> None:
    path = cache.dataset_path(DIGITS, root) / name
    flip(path, -3)
    with pytest.raises(cache.DataCorruptError) as caught:
        cache.load(DIGITS, root)
    expected = DIGITS.digests[path.stem]
    for part in (str(path), "found digest", expected, "trainband data prepare digits --force"):
        assert part in str(caught.value)


def test_no_flipped_bit_of_a_file_header_loads_other_data(root: Path, flip: Flip) -> None:
    path = cache.dataset_path(DIGITS, root) / "test_labels.npy"
    good = path.read_bytes()
    for place in range(128):
        path.write_bytes(good)
        flip(path, place)
        for mmap in (True, False):
            try:
                data = cache.load(DIGITS, root, mmap=mmap)
            except cache.DataCorruptError:
                continue
            assert data.arrays["test_labels"].tobytes() == good[128:]


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: np.save(path, np.array([None]), allow_pickle=True),
        lambda path: np.save(path, np.zeros((360, 8, 8, 1), "u1")),
    ],
    ids=["absent", "truncated", "empty", "pickled", "other array"],
)
def test_a_file_that_is_no_such_array_is_named(root: Path, harm: Callable[[Path], object]) -> None:
    path = cache.dataset_path(DIGITS, root) / "test_inputs.npy"
    harm(path)
    with pytest.raises(cache.DataCorruptError, match=r"test_inputs\.npy.*--force"):
        cache.load(DIGITS, root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "{", "cannot be read"),
        (lambda text: "[]", "cannot be read"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format 2, this version reads 1"),
        (lambda text: text.replace(DIGITS.digests["test_labels"], "0" * 64), "test_labels: found digest 000"),
        (lambda text: text.replace('"test_labels"', '"test_extra"'), "test_extra: found digest .* expected none"),
    ],
    ids=["not JSON", "not an object", "later format", "other digest", "other array"],
)
def test_a_manifest_that_differs_is_named(root: Path, change: Callable[[str], str], message: str) -> None:
    path = cache.dataset_path(DIGITS, root) / cache.MANIFEST
    path.write_text(change(path.read_text()))
    with pytest.raises(cache.DataCorruptError, match=rf"manifest\.json: .*{message}"):
        cache.load(DIGITS, root)


def test_data_that_was_not_prepared_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(cache.DataMissingError, match="run `trainband data prepare mnist`"):
        cache.load(MNIST, tmp_path)


def test_an_unknown_split_names_those_that_there_are(root: Path) -> None:
    with pytest.raises(KeyError, match="'digits' has no split 'validation'; it has train, test"):
        cache.load(DIGITS, root).split("validation")


def test_arrays_that_are_not_the_catalogs_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(cache.DataError, match="test_inputs prepared by way of network has digest none"):
        write_arrays(DIGITS, {}, tmp_path, provenance={"way": "network"})
    assert not list(tmp_path.iterdir())


def test_the_cache_root_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("TRAINBAND_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache.cache_root() == Path("/home/somebody/.cache/trainband")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert cache.cache_root() == Path("/home/somebody/.cache/trainband")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert cache.cache_root() == Path("/var/cache/trainband")
    monkeypatch.setenv("TRAINBAND_CACHE", str(tmp_path))
    assert cache.cache_root() == tmp_path


def test_status_and_verify_tell_prepared_absent_and_corrupt_apart(root: Path, flip: Flip) -> None:
    before = {row.name: row for row in state.verify(root=root)}
    assert {name: row.state for name, row in before.items()} == {
        name: "prepared" if name == "digits" else "absent" for name in DATASETS
    }
    assert before["digits"].way == "embedded"
    assert before["digits"].file_bytes > 1797 * 64
    flip(cache.dataset_path(DIGITS, root) / "train_inputs.npy", -1)
    [quick], [thorough] = state.status(["digits"], root), state.verify(["digits"], root)
    assert (quick.state, thorough.state) == ("prepared", "corrupt")
    assert thorough.problem is not None
    assert "train_inputs.npy" in thorough.problem


def test_loading_takes_the_standard_library_and_numpy_alone(root: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from trainband.benchmarks.data import cache, rows
from trainband.models.datasets import DIGITS
data = cache.load(DIGITS, Path({str(root)!r}))
assert rows.shared_rows(data.train["inputs"], data.test["inputs"]) == DIGITS.shared_rows == 0
allowed = {{*sys.stdlib_module_names, "numpy", "trainband", "__main__"}}
loaded = {{name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}}
print(sorted(name for name in loaded - allowed if not name.startswith(("_", "__editable__"))))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_manifest_says_how_the_data_came(root: Path) -> None:
    manifest = json.loads((cache.dataset_path(DIGITS, root) / cache.MANIFEST).read_text())
    assert manifest["version"] == DIGITS.version
    assert manifest["provenance"] == {"way": "embedded"}
    assert manifest["arrays"]["train_inputs"]["shape"] == [1437, 8, 8, 1]
    assert manifest["splits"] == cache.split_digests(DIGITS.digests)
    assert manifest["digest"] == cache.dataset_digest(DIGITS.digests)
