"""uv, which solves and installs: how it is found and run, and what it says when it cannot."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache

_LONGEST = 800  # characters of an error: the versions that a package has could fill pages
_LEAD = re.compile(r"""^[^\w`'"(<]*(?:(?:error|cause|caused by|hint|help)\s*:\s*)?""", re.IGNORECASE)
_OF_PIP = re.compile(r"^\S*\.(find-links|index-url|extra-index-url)=(.*)$", re.MULTILINE)
# pip's option -> uv's variable, and what stands between two values of it.
_VARIABLES = {
    "find-links": ("UV_FIND_LINKS", ","),
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
}


class EnvironmentFailure(RuntimeError):
    """An environment that cannot be solved, built or found; the message is one line, with the reason that uv gives."""


def run_uv(*words: str, text: str = "", doing: str) -> str:
    """What `uv WORDS` prints; packages that it does not find are looked for where pip is told to look, too.

    Args:
      text: its standard input.
      doing: how an error begins, such as `cannot solve numpy==9`.

    Raises:
      EnvironmentFailure: there is no uv, or it fails.
    """
    found = _run(words, text, {})
    if found.returncode and words[0] == "pip" and sources_of_pip():
        found = _run(words, text, sources_of_pip())
    if found.returncode:
        raise EnvironmentFailure(f"{doing}: {condensed(found.stderr) or f'uv ended with status {found.returncode}'}")
    return found.stdout


def _run(words: tuple[str, ...], text: str, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    dropped = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    environ = {**{name: value for name, value in os.environ.items() if name not in dropped}, **more}
    environ["UV_PYTHON_DOWNLOADS"] = "never"  # an interpreter is the user's to choose
    return subprocess.run(
        [_program(), *words, "--no-progress", "--color=never"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=environ,
        cwd=tempfile.gettempdir(),  # not where a project's own settings of uv may lie
        check=False,
    )


def condensed(said: str) -> str:
    """uv's explanation as one line, without its drawing; warnings and its general headline are left out."""
    lines = [_LEAD.sub("", line).strip() for line in said.splitlines() if not line.lower().startswith("warning:")]
    line = " ".join(line for line in lines if line and not line.startswith("No solution found"))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 4] + " ..."


@cache
def sources_of_pip() -> Mapping[str, str]:
    """The indexes and folders that pip is set up with, as variables of uv, which reads no settings of pip."""
    listed = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    said = subprocess.run(listed, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False).stdout
    found: dict[str, str] = {}
    for option, value in _OF_PIP.findall(said):
        variable, between = _VARIABLES[option]
        known = [found[variable]] if variable in found else [os.environ[variable]] if variable in os.environ else []
        found[variable] = between.join([*known, *str(ast.literal_eval(value)).split()])
    # pip takes the best version that any of them has; uv, by default, one of the first index that knows the name.
    return {**found, "UV_INDEX_STRATEGY": "unsafe-best-match"} if found else {}


@cache
def _program() -> str:
    try:
        from uv import find_uv_bin

        return os.fsdecode(find_uv_bin())
    except (ImportError, FileNotFoundError):
        raise EnvironmentFailure(
            "environments are built by uv, which is not installed here (pip install uv, beside trainband)"
        ) from None
