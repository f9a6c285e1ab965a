"""Which packages must move together, read off what the packages of both environments require."""

from __future__ import annotations

import sys

from packaging.requirements import Requirement

from trainband.benchmarks.attribution.minimal import closed
from trainband.benchmarks.attribution.vectors import Installed, Vector, installed


def package(version: str, *requires: str, wheel: str | None = None) -> Installed:
    found = {Requirement(text).name: Requirement(text) for text in requires}
    return Installed(version=version, requires=found, wheel=wheel)


BASELINE = {
    "tensorflow": package("2.16.2", "keras>=3.0", "ml-dtypes~=0.3.1", "numpy<2"),
    "keras": package("3.4.1", "numpy"),
    "ml-dtypes": package("0.3.2", "numpy"),
    "numpy": package("1.26.4"),
    "six": package("1.16"),
    "tensorflow-io": package("0.37"),
}
CANDIDATE = {
    "tensorflow": package("2.21.0", "keras>=3.12", "ml-dtypes>=0.5", "numpy>=1.26"),
    "keras": package("3.15.1", "numpy"),
    "ml-dtypes": package("0.5.3", "numpy>=2"),
    "numpy": package("2.4.0"),
    "six": package("1.16"),
    "libclang": package("18.1"),
}
VECTOR = Vector(baseline=BASELINE, candidate=CANDIDATE)


def test_what_differs_is_the_way_from_one_to_the_other() -> None:
    assert VECTOR.changed == ("keras", "libclang", "ml-dtypes", "numpy", "tensorflow", "tensorflow-io")
    assert VECTOR.versions("libclang") == ("", "18.1")
    assert VECTOR.pins(()) == [f"{name}=={BASELINE[name].version}" for name in sorted(BASELINE)]
    assert VECTOR.pins(VECTOR.changed) == [f"{name}=={CANDIDATE[name].version}" for name in sorted(CANDIDATE)]
    assert VECTOR.rows({"keras"}) == {**VECTOR.rows(()), "keras": "keras==3.15.1"}


def test_a_package_takes_those_along_without_which_a_requirement_breaks() -> None:
    needs = VECTOR.needs()
    assert needs["keras"] == frozenset()
    assert needs["tensorflow"] == {"keras", "ml-dtypes"}
    assert needs["numpy"] == {"tensorflow"}
    assert needs["ml-dtypes"] == {"numpy", "tensorflow"}
    assert closed(frozenset({"tensorflow"}), needs) == {"keras", "ml-dtypes", "numpy", "tensorflow"}


def test_a_wheel_of_this_machine_differs_from_the_release_of_its_version() -> None:
    url = "file:///wheels/keras-3.4.1-py3-none-any.whl"
    patched = Vector(baseline=BASELINE, candidate={**BASELINE, "keras": package("3.4.1", wheel=url)})
    assert patched.changed == ("keras",)
    assert patched.rows({"keras"})["keras"] == f"keras @ {url}"
    assert patched.of_wheels("keras")
    assert not patched.of_wheels("numpy")


def test_an_environment_is_asked_for_its_packages() -> None:
    url = "file:///wheels/pytest-1.0-py3-none-any.whl"
    found = installed(sys.executable, f"# CPython\npytest @ {url} --hash=sha256:00\n")
    assert "trainband" not in found
    assert found["pytest"].wheel == url
    assert found["pytest"].requires["pluggy"].specifier
    assert all("extra" not in str(each.marker) for package in found.values() for each in package.requires.values())
