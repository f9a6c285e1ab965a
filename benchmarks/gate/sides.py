"""The two environments of a gate, built if need be, and what tells them from others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trainband.benchmarks.environments.asked import Environment, asked_environment
from trainband.benchmarks.environments.locks import Lock, target_of
from trainband.benchmarks.environments.uv import EnvironmentFailure
from trainband.platforms.interpreters import describe_interpreter
from trainband.results.gate.gates import EnvironmentFacts
from trainband.results.gate.speed import GateSide


@dataclass(frozen=True, kw_only=True)
class GateEnvironment:
    """A side, and what its children run under."""

    name: GateSide
    side: EnvironmentFacts
    environment: Environment


def gate_environment(
    name: GateSide,
    asked: Sequence[str],
    backend: str,
    *,
    as_of: date | None,
    cache_root: Path,
    say: Callable[[str], None],
) -> GateEnvironment:
    """The environment that `asked` names; see `asked_environment` for the arguments and what is raised.

    Raises:
      InterpreterError: the interpreter that was named does not answer.
    """
    try:
        environment = asked_environment(
            asked, backend, as_of=as_of, cache_root=cache_root, say=lambda line: say(f"{name}: {line}")
        )
    except EnvironmentFailure as error:
        raise EnvironmentFailure(f"{name}: {error}") from error
    found = describe_interpreter(environment.python)
    if environment.lock is not None:
        key, target = Lock(environment.lock).key, Lock(environment.lock).target
    else:
        target = target_of(environment.python)
        known = json.dumps([environment.python, target, sorted(found.distributions.items())])
        key = hashlib.sha256(known.encode()).hexdigest()[:24]
    side = EnvironmentFacts(
        asked=tuple(asked), key=key, python=environment.python, target=target, versions=found.distributions
    )
    return GateEnvironment(name=name, side=side, environment=environment)
