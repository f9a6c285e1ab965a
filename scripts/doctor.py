"""`trainband doctor`: what this machine can train, and exactly why not the rest."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from absl import flags

from trainband.command_line import Verb
from trainband.tables import plain_table

BACKENDS = ("tensorflow", "jax", "torch")


def define(values: flags.FlagValues) -> None:
    """No flags beside those of every verb."""


def run(values: Any, words: list[str]) -> int:
    """Fingerprint, backends (each asked in a child), profiles, data."""
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.data.state import status
    from trainband.platforms.fingerprint import collect
    from trainband.platforms.host_class import host_class
    from trainband.platforms.host_facts import gather_host_facts
    from trainband.platforms.probes import probe
    from trainband.platforms.profiles import load_profiles

    fingerprint = collect(environ=os.environ)
    host = gather_host_facts(environ=os.environ)
    profiles = [(profile, probe(profile, host=host)) for profile in load_profiles().values()]
    report = {
        "host_class": host_class(fingerprint),
        "python": sys.version.split()[0],
        "cpu": fingerprint.get("cpu", {}),
        "cache": str(cache_root()),
        "backends": [_backend(backend) for backend in BACKENDS],
        "profiles": [{"profile": p.name, "here": a.available, "why": a.reason} for p, a in profiles],
        "data": [{"data set": s.name, "state": s.state} for s in status()],
    }
    if values.json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)
    return 0 if any(a.available for _, a in profiles) else 3


def _backend(backend: str) -> dict[str, Any]:
    from trainband.platforms.interpreters import InterpreterError, read_device_report

    environ = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        found = read_device_report(sys.executable, backend, environ=environ)
    except InterpreterError as error:
        return {"backend": backend, "works": False, "devices": "", "problem": str(error)}
    devices = ", ".join(str(device) for device in found.get("devices", []))
    return {"backend": backend, "works": True, "devices": devices, "problem": ""}


def _print(report: dict[str, Any]) -> None:
    print(f"host class  {report['host_class']}")
    print(f"python      {report['python']}")
    print(f"cache       {report['cache']}\n")
    for name in ("backends", "profiles", "data"):
        rows = [{k: "yes" if v is True else "no" if v is False else v for k, v in row.items()} for row in report[name]]
        print(plain_table(rows) + "\n")


VERB = Verb(
    summary="Show what this machine can train: host class, backends as they answer, profiles with reasons, data sets.",
    example="trainband doctor",
    define=define,
    run=run,
)
