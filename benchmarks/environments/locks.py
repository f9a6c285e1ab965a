"""Requirements solved to a lock: every package with its version and the digests of the files that may be installed.

A lock is text, one package a line, `name==version --hash=sha256:...`, or `name @ file:///... --hash=sha256:...` for a wheel
on this machine; pip and uv read it.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from trainband.benchmarks.environments.uv import EnvironmentFailure, run_uv
from trainband.platforms.interpreters import ask

LOCK_FILE = "lock.txt"

_ASK_SEC = 60.0
_TARGET = """
import json, platform, sysconfig
print(json.dumps([platform.python_implementation(), platform.python_version(), sysconfig.get_platform()]))
"""


class RequirementError(ValueError):
    """Words that do not name an environment; the message says which and what would."""


@dataclass(frozen=True)
class Lock:
    """A solved environment of one Python on one platform.

    Attributes:
      text: a comment that names Python and platform, then the packages.
    """

    text: str

    @property
    def key(self) -> str:
        """What tells it from every other lock."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:24]

    @property
    def target(self) -> str:
        """The Python and the platform that it was solved for, as `target_of` names them."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """Name -> version."""
        wheels = re.findall(r"^\S+ @ (file:\S+\.whl)", self.text, re.MULTILINE)
        return {
            **dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", self.text, re.MULTILINE)),
            **{name: str(version) for name, version in map(_of_wheel, wheels)},
        }


def target_of(python: str) -> str:
    """The interpreter at `python` as a lock names it, such as `CPython 3.11.7 on linux-x86_64`; raises InterpreterError."""
    implementation, version, platform = ask(python, _TARGET, (), environ=os.environ, time_limit_sec=_ASK_SEC)
    return f"{implementation} {version} on {platform}"


def solve(requirements: Sequence[str], python: str, *, as_of: date | None = None, lowest: bool = False) -> Lock:
    """The newest packages that meet `requirements` together, with all that they need.

    Args:
      requirements: as pip takes them, such as `tensorflow==2.16.2`.
      python: path of the interpreter that the environment is for.
      as_of: what was uploaded after this day does not count; None for no limit.
      lowest: of the packages that are named, take the oldest instead.

    Raises:
      EnvironmentFailure: they cannot be met together, or for this Python; or an index cannot be reached.
    """
    until = () if as_of is None else (f"--exclude-newer={as_of + timedelta(days=1)}T00:00:00Z",)
    order = ("--resolution=lowest-direct",) if lowest else ()
    return _lock(_solved(requirements, python, *until, *order), python)


def pin(rows: Sequence[str], python: str) -> Lock:
    """The lock of exactly these packages, `name==version` each, whatever they say they need; raises EnvironmentFailure."""
    return _lock(_solved(rows, python, "--no-deps"), python)


def wheel_requirement(path: Path) -> str:
    """The requirement of the wheel at `path`; raises RequirementError where its name is no wheel's."""
    name, _ = _of_wheel(path.name)
    return f"{name} @ {path.absolute().as_uri()}"


def _of_wheel(place: str) -> tuple[str, Version]:
    """Name and version of the wheel at a path or URL."""
    try:
        return parse_wheel_filename(unquote(place.rpartition("/")[2]))[:2]
    except InvalidWheelFilename as error:
        raise RequirementError(f"{place}: {str(error).splitlines()[0]}") from None


def day_of_newest(requirements: Iterable[str], python: str) -> date | None:
    """The day on which the newest of the releases that `requirements` pin by `==` was uploaded.

    None where nothing is pinned, or an index does not say; raises EnvironmentFailure for a release that is not there.
    """
    pinned = [each for each in requirements if any(part.operator == "==" for part in parsed(each).specifier)]
    if not pinned:
        return None
    files = [file for package in _solved(pinned, python, "--no-deps") for file in _files(package)]
    times = [file.get("upload-time") for file in files]
    known = [time.date() for time in times if isinstance(time, datetime)]
    return max(known) if known and len(known) == len(times) else None


def releases_between(package: str, low: str, high: str, python: str) -> list[str]:
    """The releases of `package` from `low` to `high`, both included, that this Python can have; ascending.

    Raises:
      EnvironmentFailure: `low` is not to be had, or an index cannot be reached.
    """
    found = [high]
    while found[-1] != low:
        [package_below] = _solved([f"{package}>={low},<{found[-1]}"], python, "--no-deps")
        found.append(str(package_below["version"]))
    return found[::-1]


def parsed(requirement: str) -> Requirement:
    """`requirement` taken apart; raises RequirementError where it is none."""
    try:
        return Requirement(requirement)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise RequirementError(f"{requirement!r} is no requirement such as tensorflow==2.16.2: {reason}") from None


def _solved(requirements: Sequence[str], python: str, *flags: str) -> list[Mapping[str, Any]]:
    """The packages of a solution, as PEP 751 describes them."""
    shown = " ".join(requirements[:4]) + (f" and {len(requirements) - 4} more" if len(requirements) > 4 else "")
    words = ("pip", "compile", "-", "--format=pylock.toml", f"--python={python}", "--no-header", "--quiet", *flags)
    text = run_uv(*words, text="\n".join(requirements) + "\n", doing=f"cannot solve {shown}")
    packages: list[Mapping[str, Any]] = tomllib.loads(text).get("packages", [])
    return packages


def _files(package: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The files of `package` that may be installed."""
    single = [package[kind] for kind in ("archive", "sdist") if kind in package]
    return [*package.get("wheels", ()), *single]


def _digest(file: Mapping[str, Any]) -> str | None:
    """SHA-256 as the index gives it; of a file on this machine, for which no index may speak, its own."""
    stated = file.get("hashes", {}).get("sha256")
    url = urlsplit(str(file.get("url", "")))
    if stated is not None or url.scheme != "file":
        return None if stated is None else str(stated)
    with open(url2pathname(url.path), "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _lock(packages: Sequence[Mapping[str, Any]], python: str) -> Lock:
    lines = []
    for package in sorted(packages, key=lambda each: str(each["name"])):
        digests = sorted(digest for digest in map(_digest, _files(package)) if digest)
        if not digests:
            raise EnvironmentFailure(
                f"{package['name']}: the index gives no SHA-256 of its files, so it cannot be locked"
            )
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in digests)
        lines.append(f"{package['name']}{_place(package)} {hashes}")
    return Lock("\n".join([f"# {target_of(python)}", *lines]) + "\n")


def _place(package: Mapping[str, Any]) -> str:
    """Where a package comes from: an index, by its version, or a file of this machine."""
    path = package.get("archive", {}).get("path")
    return f"=={package['version']}" if path is None else f" @ {Path(path).as_uri()}"
