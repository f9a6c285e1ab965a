"""The two environments of a gate, built if need be, and what tells them from others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trainband.benchmarks.environments.asked import Environment, built_environment, solved_environment
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


def gate_environments(
    asked: Mapping[GateSide, Sequence[str]],
    backend: str,
    *,
    as_of: date | None,
    cache_root: Path,
    say: Callable[[str], None],
) -> dict[GateSide, GateEnvironment]:
    """The environments that `asked` names; all of them are solved before one is built.

    See `solved_environment` for the arguments and what is raised; a failure says of which side.

    Raises:
      InterpreterError: an interpreter that was named does not answer.
    """
    solved = {}
    for name, words in asked.items():
        with _told(name):
            solved[name] = solved_environment(words, backend, as_of=as_of, say=_saying(name, say))
    found = {}
    for name, each in solved.items():
        with _told(name):
            environment = built_environment(each, cache_root=cache_root, say=_saying(name, say))
        found[name] = GateEnvironment(name=name, side=_facts(asked[name], environment), environment=environment)
    return found


def _saying(name: GateSide, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda line: say(f"{name}: {line}")


@contextmanager
def _told(name: GateSide) -> Iterator[None]:
    try:
        yield
    except EnvironmentFailure as error:
        raise EnvironmentFailure(f"{name}: {error}") from error


def _facts(asked: Sequence[str], environment: Environment) -> EnvironmentFacts:
    found = describe_interpreter(environment.python)
    if environment.lock is not None:
        key, target = Lock(environment.lock).key, Lock(environment.lock).target
    else:
        target = target_of(environment.python)
        known = json.dumps([environment.python, target, sorted(found.distributions.items())])
        key = hashlib.sha256(known.encode()).hexdigest()[:24]
    return EnvironmentFacts(
        asked=tuple(asked), key=key, python=environment.python, target=target, versions=found.distributions
    )
