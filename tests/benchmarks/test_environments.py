"""Environments of tiny wheels made here: solved, locked, built once whoever asks, and found again from a record."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from trainband.benchmarks.environments import recorded, uv
from trainband.benchmarks.environments.asked import asked_environment, with_backend
from trainband.benchmarks.environments.build import build
from trainband.benchmarks.environments.locks import (
    LOCK_FILE,
    Lock,
    RequirementError,
    day_of_newest,
    pin,
    solve,
    target_of,
)
from trainband.benchmarks.environments.recorded import python_like, recorded_environment
from trainband.benchmarks.environments.uv import EnvironmentFailure, condensed
from trainband.platforms.interpreters import describe_interpreter, installed_distributions
from trainband.results.records import Record, record_from_json

GOLDEN = Path(__file__).parents[1] / "golden" / "record_v1.json"
SOURCES_OF_PIP = uv.sources_of_pip
BUILDER = """
import json, sys
from pathlib import Path
from trainband.benchmarks.environments.build import build
from trainband.benchmarks.environments.locks import Lock
text, root = json.load(sys.stdin)
built = []
python = build(Lock(text), sys.executable, cache_root=Path(root), on_build=lambda: built.append(1))
print(json.dumps([python, len(built)]))
"""


@dataclass
class Wheels:
    """A folder of wheels that stands for the package index."""

    folder: Path

    def add(self, name: str, version: str, *, needs: str = "", tag: str = "py3-none-any") -> Path:
        path = self.folder / f"{name}-{version}-{tag}.whl"
        info = f"{name}-{version}.dist-info"
        files = {
            f"{name}.py": f"version = {version!r}\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            + (f"Requires-Dist: {needs}\n" if needs else ""),
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        }
        files[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in (*files, f"{info}/RECORD"))
        with zipfile.ZipFile(path, "w") as archive:
            for each, text in files.items():
                archive.writestr(zipfile.ZipInfo(each), text)
        return path


@dataclass
class Said:
    lines: list[str] = field(default_factory=list)

    def __call__(self, *words: str) -> None:
        self.lines.append(" ".join(words))


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheels:
    folder = tmp_path / "wheels"
    folder.mkdir()
    settings = tmp_path / "uv.toml"
    settings.write_text(f"no-index = true\nfind-links = [{str(folder)!r}]\ncache-dir = {str(tmp_path / 'uv')!r}\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    monkeypatch.setattr(uv, "sources_of_pip", dict)
    made = Wheels(folder)
    made.add("alpha", "1.0", needs="beta>=2")
    made.add("alpha", "2.0", needs="beta>=2")
    made.add("beta", "2.1")
    return made


@pytest.fixture
def index() -> None:
    url = os.environ.get("UV_DEFAULT_INDEX", "https://pypi.org/simple").rstrip("/") + "/idna/"
    try:
        urllib.request.urlopen(url, timeout=20).close()
    except OSError as error:
        pytest.skip(f"NOT TESTED, the dates of releases: no package index answers at {url} ({error})")


def version_of(python: str, module: str) -> str:
    words = [python, "-P", "-c", f"import {module}; print({module}.version)"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def left_in(root: Path) -> list[str]:
    """What a cache of environments holds, locks of files aside."""
    return sorted(path.name for path in (root / "environments").iterdir() if path.suffix != ".lock")


def test_requirements_become_a_lock_with_digests(wheels: Wheels) -> None:
    lock = solve(["alpha==1.0"], sys.executable)
    assert lock.versions == {"alpha": "1.0", "beta": "2.1"}
    digests = {
        name: hashlib.sha256((wheels.folder / f"{name}-py3-none-any.whl").read_bytes()).hexdigest()
        for name in ("alpha-1.0", "beta-2.1")
    }
    assert lock.text.splitlines() == [
        f"# {target_of(sys.executable)}",
        f"alpha==1.0 --hash=sha256:{digests['alpha-1.0']}",
        f"beta==2.1 --hash=sha256:{digests['beta-2.1']}",
    ]
    assert lock.key == solve(["alpha==1.0", "beta"], sys.executable).key
    assert lock.key != solve(["alpha"], sys.executable).key
    assert pin(["alpha==2.0"], sys.executable).versions == {"alpha": "2.0"}


def test_what_cannot_be_met_is_one_line_with_the_reason(wheels: Wheels) -> None:
    wheels.add("gamma", "1.0", tag="cp39-cp39-any")
    for wanted, said in (
        (["alpha==3.0"], r"^cannot solve alpha==3\.0: .*no version of alpha==3\.0"),
        (["alpha", "beta<2"], r"^cannot solve alpha beta<2: .*alpha.* depend.* on beta>=2"),
        (["gamma"], r"no wheels with a matching Python ABI tag.*cp39"),
        (["nowhere-to-be-found"], r"nowhere-to-be-found was not found"),
    ):
        with pytest.raises(EnvironmentFailure, match=said) as caught:
            solve(wanted, sys.executable)
        assert "\n" not in str(caught.value)


def test_an_environment_is_built_once_and_taken_again_without_uv(
    wheels: Wheels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, built = solve(["alpha"], sys.executable), Said()
    python = build(lock, sys.executable, cache_root=tmp_path, on_build=built)
    assert version_of(python, "alpha") == "2.0"
    assert dict(installed_distributions(python)) == {"alpha": "2.0", "beta": "2.1"}
    assert list(Path(python).parents[1].rglob("alpha.*.pyc"))
    monkeypatch.setattr(uv, "_program", lambda: "/nowhere/uv")
    assert build(lock, sys.executable, cache_root=tmp_path, on_build=built) == python
    assert len(built.lines) == 1
    assert left_in(tmp_path) == [lock.key]


def test_an_environment_whose_python_is_gone_or_that_was_half_built_is_built_again(
    wheels: Wheels, tmp_path: Path
) -> None:
    lock, built = solve(["beta"], sys.executable), Said()
    half = tmp_path / "environments" / f"{lock.key}.partial" / "bin" / "python"
    half.parent.mkdir(parents=True)
    half.write_text("of a process that was killed")
    python = Path(build(lock, sys.executable, cache_root=tmp_path, on_build=built))
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert version_of(build(lock, sys.executable, cache_root=tmp_path, on_build=built), "beta") == "2.1"
    assert len(built.lines) == 2
    assert left_in(tmp_path) == [lock.key]


def test_a_file_that_is_not_the_locked_one_is_refused_and_leaves_nothing(wheels: Wheels, tmp_path: Path) -> None:
    lock = solve(["beta"], sys.executable)
    other = Lock(lock.text.replace("sha256:", "sha256:0")[:-2] + "\n")
    with pytest.raises(EnvironmentFailure, match=r"^cannot install the locked packages: .*[Hh]ash mismatch") as caught:
        build(other, sys.executable, cache_root=tmp_path)
    assert "\n" not in str(caught.value)
    assert left_in(tmp_path) == []


def test_two_processes_that_need_one_environment_build_it_once(wheels: Wheels, tmp_path: Path) -> None:
    lock = solve(["alpha"], sys.executable)
    started = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", BUILDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(json.dumps([lock.text, str(tmp_path)]))
        process.stdin.close()
        process.stdin = None
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert sorted(times for _, times in answers) == [0, 1]
    assert answers[0][0] == answers[1][0]
    assert version_of(answers[0][0], "alpha") == "2.0"
    assert left_in(tmp_path) == [lock.key]


def test_a_disk_that_refuses_is_said(wheels: Wheels, tmp_path: Path) -> None:
    (tmp_path / "environments").write_text("a file")
    with pytest.raises(EnvironmentFailure, match=r"cannot build an environment in .*environments"):
        build(solve(["beta"], sys.executable), sys.executable, cache_root=tmp_path)


def test_packages_are_looked_for_where_pip_is_told_to(
    wheels: Wheels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    Wheels(folder).add("delta", "1.0+cpu")
    with pytest.raises(EnvironmentFailure, match="delta"):
        pin(["delta==1.0+cpu"], sys.executable)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_FIND_LINKS", "/somewhere")
    monkeypatch.setattr(uv, "sources_of_pip", SOURCES_OF_PIP.__wrapped__)
    found = uv.sources_of_pip()
    assert found == {"UV_FIND_LINKS": f"/somewhere,{folder}", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    monkeypatch.delenv("UV_FIND_LINKS")
    lock = solve(["delta==1.0+cpu", "alpha"], sys.executable)
    assert lock.versions == {"alpha": "2.0", "beta": "2.1", "delta": "1.0+cpu"}
    assert version_of(build(lock, sys.executable, cache_root=tmp_path), "delta") == "1.0+cpu"


def test_the_explanation_of_uv_is_one_line_in_every_version() -> None:
    old = "  \u00d7 No solution found when resolving dependencies:\n  ╰─▶ Because `six`==99 is\n      not there\nwarning: w\n"
    new = "error: No solution found when resolving dependencies\n  cause: Because `six`==99 is not there\n\nhint: ask"
    assert condensed(old) == "Because `six`==99 is not there"
    assert condensed(new) == "Because `six`==99 is not there ask"
    assert len(condensed("word " * 1000)) == 800


def test_an_absent_uv_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    uv._program.cache_clear()
    with pytest.raises(EnvironmentFailure, match=r"uv, which is not installed here \(pip install uv"):
        solve(["six"], sys.executable)


def test_releases_after_the_day_do_not_count(index: None) -> None:
    assert day_of_newest(["idna==2.10"], sys.executable) == date(2020, 6, 27)
    assert day_of_newest(["idna>=2.10"], sys.executable) is None
    assert solve(["idna"], sys.executable, as_of=date(2020, 6, 27)).versions == {"idna": "2.10"}
    assert solve(["idna"], sys.executable, as_of=date(2020, 6, 26)).versions == {"idna": "2.9"}


@pytest.mark.parametrize(
    ("asked", "backend", "added"),
    [
        (["tensorflow==2.16.2"], "tensorflow", ["keras"]),
        (["tensorflow_cpu[and]==2.16.2", "Keras<3.9"], "tensorflow", []),
        (["numpy<2"], "tensorflow", ["tensorflow", "keras"]),
        (["jax[cuda12]==0.4.30"], "jax", ["jaxlib", "keras"]),
    ],
)
def test_requirements_get_what_the_backend_needs(asked: list[str], backend: str, added: list[str]) -> None:
    assert with_backend(asked, backend) == [*asked, *added]


@pytest.fixture
def ask(wheels: Wheels, tmp_path: Path) -> Callable[..., Any]:
    wheels.add("torch", "1.0")
    wheels.add("keras", "3.1", needs="beta")
    said = Said()

    def ask(*words: str, as_of: date | None = None) -> Any:
        return asked_environment(words, "torch", as_of=as_of, cache_root=tmp_path, say=said), said.lines

    return ask


def test_an_environment_is_asked_for_in_four_ways(ask: Callable[..., Any], tmp_path: Path) -> None:
    environment, said = ask("torch==1.0 alpha", "beta")
    assert environment.words == ("--environment=torch==1.0 alpha", "--environment=beta")
    assert said == [f"keras 3.1, torch 1.0 (4 packages, {target_of(sys.executable)})", "building the environment"]
    assert dict(installed_distributions(environment.python)) == {
        "alpha": "2.0",
        "beta": "2.1",
        "keras": "3.1",
        "torch": "1.0",
    }
    file = tmp_path / "wanted.txt"
    file.write_text("torch==1.0  # the newest\n\n# and\nalpha\nbeta\n")
    asked = ask(str(file))[0]
    assert (asked.python, asked.words) == (environment.python, (f"--environment={file}",))
    lock = tmp_path / LOCK_FILE
    lock.write_text(environment.lock.replace(" --hash", " \\\n    --hash"))
    assert ask(str(lock))[0].python == environment.python
    assert said.count("building the environment") == 1
    named = ask(environment.python)[0]
    assert (named.python, named.lock) == (environment.python, None)


def test_a_wheel_of_this_machine_stands_for_its_package(
    ask: Callable[..., Any], wheels: Wheels, tmp_path: Path
) -> None:
    plain = ask("torch==1.0 keras==3.1")[0]
    wheels.folder.joinpath("patched").mkdir()
    patched = Wheels(wheels.folder / "patched").add("keras", "3.1", needs="beta>=2")
    taken = ask("torch==1.0", str(patched))[0]
    lock = Lock(taken.lock)
    assert lock.versions == {"beta": "2.1", "keras": "3.1", "torch": "1.0"}
    digest = hashlib.sha256(patched.read_bytes()).hexdigest()
    assert f"keras @ {patched.as_uri()} --hash=sha256:{digest}" in taken.lock
    assert taken.python != plain.python  # of one version, and another file
    file = tmp_path / LOCK_FILE
    file.write_text(taken.lock)
    assert ask(str(file))[0].python == taken.python


def test_words_that_name_no_environment_are_a_mistake(ask: Callable[..., Any], tmp_path: Path) -> None:
    options = tmp_path / "options.txt"
    options.write_text("--index-url https://example.org\n")
    day = date(2024, 1, 1)
    for words, as_of, said in (
        (["torch=1.0"], None, "'torch=1.0' is no requirement such as tensorflow==2.16.2"),
        ([str(tmp_path / "none" / "python")], None, "there is no file"),
        (["torch==1.0", "./lost-1.0-py3-none-any.whl"], None, "there is no wheel ./lost-1.0"),
        ([sys.executable, "numpy"], None, "stands for a whole environment"),
        ([sys.executable], day, "is an interpreter"),
        ([str(options)], None, "'--index-url https://example.org' is no requirement"),
    ):
        with pytest.raises(RequirementError, match=said):
            ask(*words, as_of=as_of)


def record_of(packages: dict[str, str], *, executable: str = "/nowhere/python", version: str | None = None) -> Record:
    record = record_from_json(GOLDEN.read_text(encoding="utf-8"))
    version = version or describe_interpreter().version
    python = {"version": version, "implementation": "CPython", "executable": executable}
    return replace(record, fingerprint={"python": python, "distributions": packages})


def test_an_interpreter_that_still_has_the_recorded_packages_is_taken(wheels: Wheels, tmp_path: Path) -> None:
    python = build(solve(["beta"], sys.executable), sys.executable, cache_root=tmp_path)
    record = record_of({"beta": "2.1", "trainband": "0.0.1"}, executable=python)
    found = recorded_environment(record, tmp_path, cache_root=tmp_path)
    assert (found.python, found.source, found.lock) == (python, "recorded", None)
    here = dict(installed_distributions())
    assert recorded_environment(record_of(here), tmp_path, cache_root=tmp_path).source == "present"


def test_an_environment_that_is_gone_is_built_from_the_recorded_versions(
    wheels: Wheels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, built = record_of({"alpha": "1.0", "trainband": "0.0.1"}), Said()
    found = recorded_environment(record, tmp_path, cache_root=tmp_path, on_build=built)
    assert found.source == "rebuilt"
    assert dict(installed_distributions(found.python)) == {"alpha": "1.0"}
    monkeypatch.setattr(uv, "_program", lambda: "/nowhere/uv")
    assert recorded_environment(record, tmp_path, cache_root=tmp_path, on_build=built) == found
    assert len(built.lines) == 1


def test_recorded_versions_that_cannot_be_had_any_more_are_named(wheels: Wheels, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match=r"^cannot solve alpha==9\.0: "):
        recorded_environment(record_of({"alpha": "9.0"}), tmp_path, cache_root=tmp_path)


def test_the_lock_of_a_run_is_preferred_to_its_versions(wheels: Wheels, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    lock = solve(["beta"], sys.executable)
    (run / LOCK_FILE).write_text(lock.text)
    record = record_of({"beta": "2.1"})
    found = recorded_environment(record, run, cache_root=tmp_path)
    assert (found.lock, left_in(tmp_path)) == (lock.text, [lock.key])
    (run / LOCK_FILE).write_text(lock.text.replace("linux", "amiga").replace("macosx", "amiga"))
    assert recorded_environment(record, run, cache_root=tmp_path).lock == lock.text


def test_another_python_is_found_or_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    here = describe_interpreter().version
    assert python_like(here) == sys.executable
    minor = here.rpartition(".")[0]
    asked: list[str] = []

    def run_uv(*words: str, doing: str, **_: str) -> str:
        asked.append(words[-1])
        raise EnvironmentFailure(f"{doing}: none")

    monkeypatch.setattr(recorded, "run_uv", run_uv)
    assert python_like(f"{minor}.99") == sys.executable
    with pytest.raises(EnvironmentFailure, match=r"recorded under Python 3\.99\.1, and there is none of 3\.99 here: "):
        python_like("3.99.1")
    assert asked == [f"{minor}.99", "3.99.1", "3.99"]
