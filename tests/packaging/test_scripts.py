from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = ("bash", "cat", "cksum", "dirname", "env", "grep", "mkdir", "rm", "sed", "uname")
SHELL_SCRIPTS = (
    "scripts/quickstart",
    "scripts/test",
    "scripts/lint",
    "scripts/lock",
    "scripts/setup_env.sh",
    ".ci/run",
)


@pytest.fixture
def clone(repo_root: Path, tmp_path: Path) -> Path:
    """As much of a checkout as the set-up reads."""
    root = tmp_path / "clone"
    root.mkdir()
    for name in ("setup.py", "pyproject.toml", "scripts", "requirements"):
        if (repo_root / name).is_dir():
            shutil.copytree(repo_root / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(repo_root / name, root / name)
    return root


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with no Python on it."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        target = shutil.which(name)
        assert target is not None, name
        (folder / name).symlink_to(target)
    return folder


def run(command: list[str], *, cwd: Path, path: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "PYTHON"} | environ
    if path is not None:
        env["PATH"] = str(path)
    return subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def fake_python(path: Path, *, version: str) -> Path:
    """A Python of that version, to `python_fits`: it answers with exit status 0 or 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncase {version} in 3.11|3.12|3.13) exit 0;; *) exit 1;; esac\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def in_setup(clone: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Runs `code` after sourcing setup_env.sh, with the steps that install replaced by a word on stdout."""
    steps = 'prepare_venv() { echo PREPARE; : >"$MARK-installing"; }; install_locked() { echo INSTALL; }'
    return run(["bash", "-euc", f". scripts/setup_env.sh; {steps}; {code}"], cwd=clone)


def write_ready_venv(clone: Path, kind: str) -> None:
    fake_python(clone / ".venv" / "bin" / "python", version="3.12")
    (clone / ".venv" / "pyvenv.cfg").write_text("version = 3.12.1\n", encoding="utf-8")
    assert in_setup(clone, f"stamp_of {kind} >.venv/.trainband-{kind}").returncode == 0


@pytest.mark.parametrize("script", SHELL_SCRIPTS)
def test_every_shell_script_parses(repo_root: Path, script: str) -> None:
    done = run(["bash", "-n", script], cwd=repo_root)
    assert (done.returncode, done.stderr) == (0, "")


def test_quickstart_without_any_python_says_what_to_install_and_leaves_nothing(clone: Path, tools: Path) -> None:
    done = run(["scripts/quickstart"], cwd=clone, path=tools)

    assert done.returncode == 2
    assert done.stderr.startswith("quickstart: no Python 3.11, 3.12 or 3.13")
    assert "python3-venv" in done.stderr
    assert "PYTHON=/path/to/python" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (clone / ".venv").exists()


def test_quickstart_passes_over_a_python_that_is_too_old(clone: Path, tools: Path) -> None:
    fake_python(tools / "python3", version="3.10")
    assert run(["scripts/quickstart"], cwd=clone, path=tools).returncode == 2


def test_a_named_python_that_does_not_fit_is_refused_and_no_other_is_taken(clone: Path, tmp_path: Path) -> None:
    old = fake_python(tmp_path / "old" / "python3.10", version="3.10")

    done = run(["scripts/quickstart"], cwd=clone, PYTHON=str(old))

    assert done.returncode == 2
    assert done.stderr.startswith(f"quickstart: PYTHON={old} is no Python 3.11")


def test_somebody_elses_venv_is_not_thrown_away(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "precious").touch()

    done = run(["scripts/quickstart"], cwd=clone)

    assert done.returncode == 2
    assert "move it away" in done.stderr
    assert (clone / ".venv" / "precious").exists()


@pytest.mark.parametrize(("stands", "asked"), [("base", "base"), ("test", "test"), ("test", "base")])
def test_a_current_environment_is_left_as_it_is(clone: Path, stands: str, asked: str) -> None:
    write_ready_venv(clone, stands)
    done = in_setup(clone, f"setup_env {asked}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_base_environment_is_not_enough_for_tests(clone: Path) -> None:
    write_ready_venv(clone, "base")
    assert in_setup(clone, "setup_env test").stdout == "PREPARE\nINSTALL\n"


@pytest.mark.parametrize(
    "changed", ["requirements/base.txt", "requirements/bootstrap.txt", "setup.py", ".venv/pyvenv.cfg"]
)
def test_a_changed_input_installs_again(clone: Path, changed: str) -> None:
    write_ready_venv(clone, "base")
    with (clone / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert in_setup(clone, "setup_env base").stdout == "PREPARE\nINSTALL\n"


def test_a_broken_off_installation_is_done_again_and_then_current(clone: Path) -> None:
    write_ready_venv(clone, "base")
    (clone / ".venv" / ".trainband-installing").touch()

    assert in_setup(clone, "setup_env base").stdout == "PREPARE\nINSTALL\n"
    assert in_setup(clone, "setup_env base").stdout == ""


def test_a_failed_installation_leaves_no_stamp(clone: Path) -> None:
    fake_python(clone / ".venv" / "bin" / "python", version="3.12")
    (clone / ".venv" / "pyvenv.cfg").touch()

    done = in_setup(clone, "install_locked() { return 1; }; setup_env base")

    assert done.returncode != 0
    assert not (clone / ".venv" / ".trainband-base").exists()
