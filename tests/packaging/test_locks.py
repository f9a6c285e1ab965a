from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("bootstrap", "base", "test")


@dataclass(frozen=True, kw_only=True)
class Pin:
    version: str
    hashes: int


def read_lock(path: Path) -> dict[str, Pin]:
    """Name -> pin; each package may stand in a lock once, so that all Pythons get one version."""
    pins: dict[str, Pin] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", path.read_text(encoding="utf-8")):
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", entry)
        if match is not None:
            name = canonicalize_name(match[1])
            assert name not in pins, f"{path.name} pins {name} twice"
            pins[name] = Pin(version=match[2], hashes=entry.count("--hash=sha256:"))
    return pins


def unmet(requirements: list[Requirement], pins: dict[str, Pin]) -> list[str]:
    found = []
    for requirement in requirements:
        pin = pins.get(canonicalize_name(requirement.name))
        if pin is None or not requirement.specifier.contains(pin.version):
            found.append(f"{requirement} (lock: {pin.version if pin else 'nothing'})")
    return found


@pytest.fixture(scope="module")
def locks(repo_root: Path) -> dict[str, dict[str, Pin]]:
    return {name: read_lock(repo_root / "requirements" / f"{name}.txt") for name in LOCKS}


@pytest.fixture(scope="module")
def declared(wheel: Path) -> list[Requirement]:
    """What the built package says that it needs."""
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = Parser().parsestr(archive.read(name).decode())
    return [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]


@pytest.mark.slow
def test_the_base_lock_satisfies_what_the_package_declares(
    declared: list[Requirement], locks: dict[str, dict[str, Pin]]
) -> None:
    needed = [r for r in declared if r.marker is None]
    assert len(needed) > 10
    assert unmet(needed, locks["base"]) == []


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["jax", "test"])
def test_the_test_lock_satisfies_the_extras_that_tests_need(
    declared: list[Requirement], locks: dict[str, dict[str, Pin]], extra: str
) -> None:
    needed = [r for r in declared if r.marker is not None and r.marker.evaluate({"extra": extra})]
    assert needed
    assert unmet(needed, locks["test"]) == []


def test_the_test_lock_holds_the_base_lock_version_for_version(locks: dict[str, dict[str, Pin]]) -> None:
    base, test = locks["base"], locks["test"]
    assert {name: pin.version for name, pin in base.items()} == {
        name: test[name].version for name in base if name in test
    }


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(locks: dict[str, dict[str, Pin]], name: str) -> None:
    assert locks[name]
    assert [package for package, pin in locks[name].items() if pin.hashes == 0] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_an_index_or_holds_pytorch_or_cuda(
    repo_root: Path, locks: dict[str, dict[str, Pin]], name: str
) -> None:
    text = (repo_root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert [p for p in locks[name] if p == "torch" or p.startswith(("nvidia-", "cuda-"))] == []


def test_the_test_lock_holds_what_the_pinned_pytorch_declares(
    repo_root: Path, locks: dict[str, dict[str, Pin]]
) -> None:
    folder = repo_root / "requirements"
    listed = [
        Requirement(line)
        for line in (folder / "torch-dependencies.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert unmet(listed, locks["test"]) == []

    try:
        found = [Requirement(line) for line in requires("torch") or []]
    except PackageNotFoundError:
        pytest.skip("torch is not installed: its declared dependencies cannot be compared")
    everywhere = {canonicalize_name(r.name) for r in found if r.marker is None}
    assert everywhere == {canonicalize_name(r.name) for r in listed}
    assert unmet([r for r in found if r.marker is None], locks["test"]) == []
