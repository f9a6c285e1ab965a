"""What a Python interpreter has installed: this one's, or another's by asking it once in a child process."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata, resources
from typing import Any

from trainband.platforms.device_report import DEVICE_REPORT_TIME_LIMIT_SEC

QUESTION_TIME_LIMIT_SEC = 60.0

# Runs on every Python from 3.9 on; the empty entry of sys.path is the working directory, which a child does not have.
_QUESTION = """
import importlib.metadata, json, platform, sys
sys.path[:] = [entry for entry in sys.path if entry]
found = {}
for d in importlib.metadata.distributions():
    found.setdefault(str(d.metadata["Name"]), str(d.version))
print(json.dumps([platform.python_version(), platform.python_implementation(), found]))
"""


class InterpreterError(ValueError):
    """An interpreter cannot be run, or does not answer; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python and the distributions that it can import; their names are normalised as in PEP 503."""

    executable: str
    version: str
    implementation: str
    distributions: Mapping[str, str] = field(hash=False)


def describe_interpreter(python: str | None = None, *, time_limit_sec: float = QUESTION_TIME_LIMIT_SEC) -> Interpreter:
    """The interpreter at the path `python`, asked in a child; None is the one that runs this.

    Raises:
      InterpreterError: it cannot be run, fails, or takes longer than `time_limit_sec`.
    """
    if python is None:
        return _this_interpreter()
    answer = ask(python, _QUESTION, (), environ=os.environ, time_limit_sec=time_limit_sec)
    version, implementation, found = answer
    distributions = {normalized(name): str(found[name]) for name in sorted(found, key=str.lower)}
    return Interpreter(executable=python, version=version, implementation=implementation, distributions=distributions)


def installed_distributions(python: str | None = None) -> Mapping[str, str]:
    """Name -> version of everything installed for `python`, by default for this process; see `describe_interpreter`."""
    return describe_interpreter(python).distributions


def read_device_report(
    python: str, backend: str, *, environ: Mapping[str, str], time_limit_sec: float = DEVICE_REPORT_TIME_LIMIT_SEC
) -> dict[str, Any]:
    """What `backend` says in the interpreter at `python`: `{"build": ..., "devices": [...]}`, asked in a child.

    Raises:
      InterpreterError: the framework does not import, or does not answer in time.
    """
    answer = ask(python, _device_report_source(), (backend,), environ=environ, time_limit_sec=time_limit_sec)
    if not isinstance(answer, dict):
        raise InterpreterError(f"interpreter {python!r} answered {answer!r}: not a device report")
    return answer


def ask(
    python: str, source: str, arguments: Sequence[str], *, environ: Mapping[str, str], time_limit_sec: float
) -> Any:
    """The JSON value that the program `source` prints as its last line when `python` runs it.

    Raises:
      InterpreterError: no such program, a non-zero exit, the time limit, or a last line that is not JSON.
    """
    try:
        status, stdout, stderr = _run([python, "-c", source, *arguments], environ, time_limit_sec)
    except OSError as error:
        raise InterpreterError(f"interpreter {python!r} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise InterpreterError(f"interpreter {python!r} gave no answer within {time_limit_sec:g} s") from None
    if status != 0:
        raise InterpreterError(f"interpreter {python!r} exited with {status}: {_last_line(stderr)}")
    try:
        return json.loads(_last_line(stdout))
    except json.JSONDecodeError:
        raise InterpreterError(f"interpreter {python!r} answered {_last_line(stdout)!r}: not JSON") from None


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 compares it: `nvidia_cudnn-CU12` is `nvidia-cudnn-cu12`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(command: list[str], environ: Mapping[str, str], time_limit_sec: float) -> tuple[int, str, str]:
    """Exit status and output; whatever ends the wait early ends the child too, with all that it started."""
    with subprocess.Popen(
        command,
        env={name: value for name, value in environ.items() if name != "PYTHONPATH"},
        cwd=os.sep,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as child:
        try:
            stdout, stderr = child.communicate(timeout=time_limit_sec)
        except BaseException:  # Ctrl-C and the time limit alike; both are raised again
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, stdout, stderr


def _device_report_source() -> str:
    return (resources.files(__package__) / "device_report.py").read_text(encoding="utf-8")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


@functools.cache
def _this_interpreter() -> Interpreter:
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name, version = _name_and_version(distribution)
        found.setdefault(normalized(name), version)
    return Interpreter(
        executable=sys.executable,
        version=platform.python_version(),
        implementation=platform.python_implementation(),
        distributions=dict(sorted(found.items())),
    )


def _name_and_version(distribution: metadata.Distribution) -> tuple[str, str]:
    """From the head of the metadata; parsing whole files, long descriptions included, costs four times as much."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    head = text.partition("\n\n")[0]
    fields = dict(re.findall(r"^(Name|Version):\s*(\S+)", head, re.MULTILINE))
    return fields.get("Name", "unknown"), fields.get("Version", "unknown")
