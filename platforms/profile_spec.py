"""What a profile is: where a cell trains, as a frozen value that is checked once. Standard library alone."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from trainband.platforms.environment_variables import is_secret, owner

Device = Literal["cpu", "gpu", "tpu"]
Backend = Literal["tensorflow", "jax", "torch"]
Precision = Literal["float32", "mixed_bfloat16", "float64"]
Strategy = Literal["none", "mirrored", "tpu"]


class ProfileError(ValueError):
    """A profile that cannot be used as written; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Where a cell trains.

    Attributes:
      count: devices used; "all" takes what the host has.
      jit_compile: the training step goes through XLA.
      threads: cores used; None takes every usable core.
      virtual_devices: logical CPU devices that one CPU is split into; None leaves it whole.
      synchronized_batch_norm: batch statistics are taken over all replicas.
      env: environment variables of the child, beside those that the harness sets itself.
    """

    name: str
    title: str
    device: Device
    backend: Backend
    count: int | Literal["all"] = 1
    precision: Precision = "float32"
    jit_compile: bool = False
    threads: int | None = None
    deterministic: bool = False
    strategy: Strategy = "none"
    virtual_devices: int | None = None
    synchronized_batch_norm: bool = False
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    notes: str = ""

    def __post_init__(self) -> None:
        for name, (fits, expected) in _FORMS.items():
            value = getattr(self, name)
            if not fits(value):
                hint = did_you_mean(value, _CHOICES.get(name, ()))
                raise ProfileError(f"{name} = {value!r}: must be {expected}{hint}")
        _check_env(self.env)
        for broken, way_out in _CONFLICTS:
            if broken(self):
                raise ProfileError(way_out.format(p=self))


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing where no known word is close."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _whole(minimum: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and value >= minimum


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isidentifier() and value == value.lower()


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and len(value.splitlines()) == 1


def _is_text_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for pair in value.items() for item in pair)


def _one_of(choices: tuple[str, ...]) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: isinstance(value, str) and value in choices), f"one of {', '.join(map(repr, choices))}"


_CHOICES: dict[str, tuple[str, ...]] = {
    "device": get_args(Device),
    "backend": get_args(Backend),
    "precision": get_args(Precision),
    "strategy": get_args(Strategy),
}
_FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_name, "a lower-case identifier such as 'cpu_2threads'"),
    "title": (_is_line, "one line of text"),
    **{name: _one_of(choices) for name, choices in _CHOICES.items()},
    "count": (lambda value: value == "all" or _whole(1)(value), "a whole number from 1 up, or 'all'"),
    "jit_compile": (_is_bool, "true or false"),
    "threads": (_or_none(_whole(1)), "a whole number from 1 up, or left out for all usable cores"),
    "deterministic": (_is_bool, "true or false"),
    "virtual_devices": (_or_none(_whole(2)), "a whole number from 2 up, or left out"),
    "synchronized_batch_norm": (_is_bool, "true or false"),
    "env": (_is_text_mapping, "a table of strings"),
    "notes": (lambda value: isinstance(value, str), "text"),
}
KEYS = tuple(f.name for f in fields(Profile))

_CONFLICTS: tuple[tuple[Callable[[Profile], bool], str], ...] = (
    (
        lambda p: p.strategy != "none" and p.backend != "tensorflow",
        (
            "strategy = {p.strategy!r} with backend = {p.backend!r}: tf.distribute is TensorFlow's; "
            "use backend = 'tensorflow' or strategy = 'none'"
        ),
    ),
    (
        lambda p: p.device == "tpu" and p.backend == "torch",
        "device = 'tpu' with backend = 'torch': Keras on PyTorch has no TPU; use backend = 'jax' or 'tensorflow'",
    ),
    (
        lambda p: p.strategy == "mirrored" and p.device == "tpu",
        "strategy = 'mirrored' with device = 'tpu': use strategy = 'tpu'",
    ),
    (
        lambda p: p.strategy == "tpu" and p.device != "tpu",
        "strategy = 'tpu' with device = {p.device!r}: use device = 'tpu', or strategy = 'mirrored'",
    ),
    (
        lambda p: p.device == "tpu" and p.backend == "tensorflow" and p.strategy != "tpu",
        "device = 'tpu' with backend = 'tensorflow' and strategy = {p.strategy!r}: use strategy = 'tpu'",
    ),
    (
        lambda p: p.device == "cpu" and p.count != 1,
        "count = {p.count!r} with device = 'cpu': a host is one CPU device; use count = 1 and virtual_devices = N",
    ),
    (
        lambda p: p.strategy == "none" and p.count != 1,
        "count = {p.count!r} with strategy = 'none': one device trains; use count = 1, or strategy = 'mirrored'",
    ),
    (
        lambda p: p.device == "cpu" and p.strategy == "mirrored" and p.virtual_devices is None,
        "strategy = 'mirrored' with device = 'cpu': one CPU has nothing to mirror over; set virtual_devices = 2",
    ),
    (
        lambda p: p.virtual_devices is not None and not (p.device == "cpu" and p.strategy == "mirrored"),
        (
            "virtual_devices = {p.virtual_devices} with device = {p.device!r} and strategy = {p.strategy!r}: "
            "logical CPUs serve mirrored training on a CPU; leave it out"
        ),
    ),
    (
        lambda p: p.strategy != "none" and not p.synchronized_batch_norm,
        (
            "synchronized_batch_norm = false with strategy = {p.strategy!r}: each replica would normalise by its own "
            "shard and train another function; set it to true"
        ),
    ),
    (
        lambda p: p.strategy == "none" and p.synchronized_batch_norm,
        "synchronized_batch_norm = true with strategy = 'none': there is one replica; leave it out",
    ),
    (
        lambda p: p.backend == "jax" and not p.jit_compile,
        "jit_compile = false with backend = 'jax': a JAX step is always compiled by XLA; set jit_compile = true",
    ),
    (
        lambda p: p.backend == "torch" and p.jit_compile,
        "jit_compile = true with backend = 'torch': the PyTorch step runs eagerly; leave it out",
    ),
    (
        lambda p: p.strategy == "mirrored" and p.jit_compile,
        "jit_compile = true with strategy = 'mirrored': XLA does not compile its collectives here; leave it out",
    ),
)


def _check_env(env: Mapping[str, str]) -> None:
    for name, value in env.items():
        if not name or "=" in name or "\0" in name + value:
            raise ProfileError(f"env.{name} = {value!r}: not an environment variable")
        if is_secret(name):
            raise ProfileError(f"env.{name}: looks like a secret, and a profile is copied into every record")
        reason = owner(name)
        if reason is not None:
            raise ProfileError(f"env.{name} = {value!r}: a profile may not set it; {reason}")
