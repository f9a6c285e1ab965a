from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainband.benchmarks.data import cache
from trainband.benchmarks.data.prepare import PreparationError, prepare
from trainband.models.datasets import DIGITS

FOREIGN = ("tensorflow", "tensorflow_datasets", "keras", "jax", "torch", "sklearn")


@pytest.fixture(autouse=True)
def no_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TRAINBAND_DATA_MIRROR", "TRAINBAND_DATA_DIR"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def sklearn_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that the child imports in scikit-learn's place; the test writes it."""
    package = tmp_path / "stub" / "sklearn"
    package.mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(package.parent), prepend=os.pathsep)
    return package / "__init__.py"


@pytest.fixture(scope="module")
def saved_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn's digits in a file."""
    datasets = pytest.importorskip("sklearn.datasets", reason="the digits ship with scikit-learn")
    bunch = datasets.load_digits()
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(path, images=bunch.images, target=bunch.target)
    return path


@pytest.fixture
def quick_sklearn(sklearn_does: Path, saved_digits: Path) -> None:
    """A scikit-learn for the child that serves the real digits without the seconds of its import."""
    sklearn_does.write_text("__version__ = 'quick'")
    sklearn_does.with_name("datasets.py").write_text(
        f"import numpy, types\ndef load_digits(): return types.SimpleNamespace(**numpy.load({str(saved_digits)!r}))\n"
    )


def in_another_process(root: Path) -> subprocess.Popen[str]:
    """Prepare the digits; prints the outcome, and which foreign modules were loaded."""
    script = (
        "import sys; from pathlib import Path; from trainband.benchmarks.data.prepare import prepare\n"
        f"[result] = prepare(['digits'], root=Path({str(root)!r})); print(result.outcome)\n"
        f"print(sorted(set({FOREIGN!r}) & set(sys.modules)))\n"
    )
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def gone(pid: str) -> bool:
    """No such process, or one that only waits to be collected by whoever adopted it."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_for(found: Callable[[], str | bool], seconds: float = 30) -> str | bool:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)
    return value


def test_the_digits_are_prepared_once_and_kept(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the digits ship with scikit-learn")
    lines: list[str] = []
    [first] = prepare(["digits"], root=tmp_path, progress=lines.append)
    [second] = prepare(["digits", "digits"], root=tmp_path, progress=lines.append)
    assert (first.outcome, second.outcome) == ("prepared", "cached")
    assert first.digest == second.digest == cache.load(DIGITS, tmp_path).digest
    assert lines[0] == "digits 1: preparing from embedded"
    assert lines[-1] == "digits 1: already prepared"
    assert {path.name for path in first.path.parent.iterdir()} == {"1", "1.lock"}


@pytest.mark.usefixtures("quick_sklearn")
def test_a_corrupt_cache_is_refused_until_force_mends_it(tmp_path: Path) -> None:
    [result] = prepare(["digits"], root=tmp_path)
    path = result.path / "train_labels.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    with pytest.raises(PreparationError, match=r"train_labels\.npy: found digest .*--force"):
        prepare(["digits"], root=tmp_path)
    prepare(["digits"], root=tmp_path, force=True)
    cache.load(DIGITS, tmp_path)


@pytest.mark.usefixtures("quick_sklearn")
def test_two_preparations_at_once_are_one_and_a_look_and_import_nothing_foreign(tmp_path: Path) -> None:
    both = [in_another_process(tmp_path) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0].splitlines() for process in both]
    assert sorted(outcome for outcome, _ in printed) == ["cached", "prepared"]
    assert [foreign for _, foreign in printed] == ["[]", "[]"]
    cache.load(DIGITS, tmp_path)


@pytest.mark.usefixtures("quick_sklearn")
def test_one_failure_does_not_stop_the_others(tmp_path: Path) -> None:
    with pytest.raises(PreparationError, match=r"'cifar10' is not served from a mirror.*--data-dir") as caught:
        prepare(["cifar10", "digits"], root=tmp_path, mirror=tmp_path)
    assert list(caught.value.failures) == ["cifar10"]
    assert [result.name for result in caught.value.results] == ["digits"]


def test_an_unknown_name_stops_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no data set 'digit'"):
        prepare(["digits", "digit"], root=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_cache_that_cannot_be_written_names_its_variable(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(PreparationError, match=r"cannot write the cache .*set TRAINBAND_CACHE"):
        prepare(["digits"], root=tmp_path)


ABSENT = "raise ModuleNotFoundError('No module named sklearn', name='sklearn')"


@pytest.mark.parametrize(
    "code",
    [ABSENT, f"try:\n  {ABSENT}\nexcept ImportError as error:\n  raise ModuleNotFoundError('in file 7') from error"],
    ids=["python's own error", "an error from it, without the name"],
)
def test_a_child_that_lacks_a_library_names_it(tmp_path: Path, sklearn_does: Path, code: str) -> None:
    sklearn_does.write_text(code)
    with pytest.raises(PreparationError, match=r"takes the module 'sklearn', which .* does not have"):
        prepare(["digits"], root=tmp_path)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "print('last words'); raise RuntimeError('boom')",
            "exit status 1 and no answer\nend of .*last words.*RuntimeError: boom",
        ),
        ("import os; print('last words', flush=True); os.kill(os.getpid(), 9)", "signal SIGKILL\nend of .*last words"),
        ("import os; os._exit(0)", "ended with exit status 0 and no answer"),
    ],
    ids=["traceback", "signal", "silence"],
)
def test_a_child_that_dies_shows_the_end_of_its_log_and_leaves_nothing(
    tmp_path: Path, sklearn_does: Path, code: str, message: str
) -> None:
    sklearn_does.write_text(code)
    with pytest.raises(PreparationError, match=f"(?s){message}"):
        prepare(["digits"], root=tmp_path)
    assert {path.name for path in (tmp_path / "data" / "digits").iterdir()} == {"1.lock", "1.log"}


def test_a_child_that_hangs_is_stopped_at_the_limit(tmp_path: Path, sklearn_does: Path) -> None:
    pid_file = tmp_path / "pid"
    sklearn_does.write_text(f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    with pytest.raises(PreparationError, match="preparing it was stopped after 3 s"):
        prepare(["digits"], root=tmp_path, time_limit_sec=3)
    assert gone(pid_file.read_text())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for survivors in /proc")
def test_the_child_dies_with_its_parent_and_the_next_preparation_cleans_up(
    tmp_path: Path, sklearn_does: Path, request: pytest.FixtureRequest
) -> None:
    pid_file = tmp_path / "pid"
    sklearn_does.write_text(f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    parent = in_another_process(tmp_path)
    child = str(wait_for(lambda: pid_file.read_text() if pid_file.exists() else ""))
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=30)
    wait_for(lambda: gone(child))
    request.getfixturevalue("quick_sklearn")
    [result] = prepare(["digits"], root=tmp_path)
    assert {path.name for path in result.path.parent.iterdir()} == {"1", "1.lock"}
