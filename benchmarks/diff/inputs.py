"""What two runs were given: recipe, profile, packages, host, flags, data, seed and code, from their records alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from trainband.benchmarks.diff.mappings import flat, names_that_differ
from trainband.results.records import Record

Group = Literal["cell", "recipe", "profile", "packages", "framework", "host", "flags", "data", "seed", "code", "fault"]


@dataclass(frozen=True, kw_only=True)
class InputDifference:
    """One field in which the runs differ; None where a run does not have it."""

    group: Group
    name: str
    values: tuple[Any, Any]


# What computes: readers who are shown the first few of many packages are to see these.
_FIRST = ("tensorflow", "keras", "jax", "jaxlib", "torch", "numpy", "version")


def input_differences(a: Record, b: Record) -> tuple[InputDifference, ...]:
    """Every difference, group by group; in a group by name, what computes before the rest."""
    ours, theirs = _groups(a), _groups(b)
    return tuple(
        InputDifference(group=group, name=name, values=(ours[group].get(name), theirs[group].get(name)))
        for group in ours
        for name in sorted(names_that_differ(ours[group], theirs[group]), key=_place)
    )


def _place(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _groups(record: Record) -> dict[Group, Mapping[str, Any]]:
    host = record.fingerprint
    measured = record.measurement
    framework = dict(host.get("framework", {}))
    framework.pop("versions", None)
    return {
        "cell": {"model": record.model, "tier": record.tier},
        "recipe": {**flat(record.recipe), "recipe_hash": measured.recipe_hash if measured else None},
        "profile": flat({k: v for k, v in record.profile_spec.items() if k not in ("title", "notes")}),
        "packages": {"python": host.get("python", {}).get("version"), **_packages(host)},
        "framework": flat(framework),
        "host": {
            "host_class": record.host_class,
            **flat({k: host.get(k) for k in ("cpu", "memory", "accelerators", "cuda", "system", "container")}),
        },
        "flags": dict(host.get("environment", {})),
        "data": {} if measured is None else flat({"data": asdict(measured.data)}),
        "seed": {
            "seed": record.seed,
            **asdict(record.factor_seeds),
            "initial_weights_from": record.initial_weights_from,
        },
        "code": {"trainband_version": record.trainband_version, **flat({"git": _git(host)})},
        "fault": {"faults": list(record.faults)},
    }


def _packages(host: Mapping[str, Any]) -> Mapping[str, str]:
    """trainband is left out: its version is code, and a child gets it whether it is installed there or not."""
    return {name: version for name, version in host.get("distributions", {}).items() if name != "trainband"}


def _git(host: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: (host.get("git") or {}).get(name) for name in ("commit", "diff_sha256")}
