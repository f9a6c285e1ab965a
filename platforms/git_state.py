"""Which commit a checkout stands at, and how far the files are from it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DIFF_TEXT_LIMIT_BYTES = 64 * 1024
UNTRACKED_LIMIT = 100
_TIME_LIMIT_SEC = 10.0


def git_state(checkout: Path, *, environ: Mapping[str, str]) -> dict[str, Any] | None:
    """Commit, branch and difference of the repository whose top folder is `checkout`; None where it is not one.

    A package installed into an environment that lies inside somebody's repository has no state of its own: the top
    folder differs, and that repository says nothing about this code.

    Returns:
      commit and branch (None before the first commit, or on a detached head), dirty, diff (capped at 64 KiB),
      diff_sha256 and diff_bytes of the whole difference, untracked (the first 100 paths).
    """
    top = _git(checkout, environ, "rev-parse", "--show-toplevel")
    if top is None or Path(os.fsdecode(top.strip())).resolve() != checkout.resolve():
        return None
    commit = _git(checkout, environ, "rev-parse", "--verify", "--quiet", "HEAD")
    branch = _git(checkout, environ, "symbolic-ref", "--quiet", "--short", "HEAD")
    diff = b""
    if commit is not None:
        diff = (
            _git(checkout, environ, "diff", "--no-ext-diff", "--no-color", "--no-textconv", "--binary", "HEAD") or b""
        )
    listed = _git(checkout, environ, "ls-files", "--others", "--exclude-standard", "-z") or b""
    untracked = sorted(os.fsdecode(path) for path in listed.split(b"\0") if path)
    return {
        "commit": _text(commit),
        "branch": _text(branch),
        "dirty": bool(diff or untracked),
        "diff": diff[:DIFF_TEXT_LIMIT_BYTES].decode(errors="replace"),
        "diff_sha256": hashlib.sha256(diff).hexdigest() if diff else None,
        "diff_bytes": len(diff),
        "untracked": [name.encode(errors="replace").decode() for name in untracked[:UNTRACKED_LIMIT]],
        "untracked_count": len(untracked),
    }


def _git(checkout: Path, environ: Mapping[str, str], *arguments: str) -> bytes | None:
    """Standard output; None where git fails or is missing. GIT_* variables of a hook would point it elsewhere."""
    inherited = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *arguments],
            env={**inherited, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIME_LIMIT_SEC,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _text(value: bytes | None) -> str | None:
    return value.decode(errors="replace").strip() if value is not None else None
