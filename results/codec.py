"""Frozen dataclasses to JSON values and back, strictly: an unknown or missing key is an error that names its path."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
Decoder = Callable[[Any], Any]

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_AS_THEY_ARE = frozenset([str, int, bool, type(None)])


class CodecError(ValueError):
    """A stored value does not have the form that its type states."""


def encode(value: Any) -> Any:
    """A JSON-ready copy of `value`; non-finite floats become the strings NaN, Infinity and -Infinity."""
    if value.__class__ in _AS_THEY_ARE:
        return value
    names = _field_names(value.__class__)
    if names is not None:
        return {name: encode(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


@functools.cache
def _field_names(kind: type) -> tuple[str, ...] | None:
    """Of a dataclass; None for any other class."""
    return tuple(f.name for f in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def decode(kind: type[T], data: Any, path: str = "") -> T:
    """An instance of the dataclass `kind` from the JSON value `data`.

    Raises:
      CodecError: a key is unknown or missing, or a value has the wrong type; the message names the path.
    """
    try:
        return typing.cast(T, _decoder(typing.cast(Any, kind))(data))
    except _Mismatch as error:
        raise CodecError("; ".join((path or kind.__name__) + said for said in error.said)) from error


def decode_document(kind: type[T], text: str, *, name: str, version: int) -> T:
    """An instance of the dataclass `kind` from a stored document's text.

    Args:
      name: what errors call the document.
      version: the only one that this release reads.

    Raises:
      CodecError: not JSON, no object, a version that this release does not know, or keys that its version does not have.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise CodecError(f"{name} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CodecError(f"{name}: expected an object, found {type(data).__name__}")
    found = data.get("version")
    if found != version:
        raise CodecError(f"{name}.version = {found!r}: this release reads version {version}")
    return decode(kind, data)


class _Mismatch(Exception):
    """What does not fit, said once for each choice that was tried; each text begins with the path below the value at hand."""

    def __init__(self, *said: str) -> None:
        super().__init__(*said)
        self.said = said

    def below(self, step: str) -> _Mismatch:
        return _Mismatch(*(step + said for said in self.said))


@functools.cache
def _decoder(kind: Any) -> Decoder:
    """A function that makes a `kind` of a JSON value, or raises `_Mismatch`: a type is looked through once, not a value each."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or kind is object:
        return lambda data: data
    if dataclasses.is_dataclass(kind):
        return _dataclass_decoder(kind)
    if origin in (typing.Union, types.UnionType):
        return _union_decoder(args)
    if origin is typing.Literal:
        return functools.partial(_literal, args)
    if origin is tuple:
        return _row_decoder(args[0], tuple) if len(args) == 2 and args[1] is Ellipsis else _tuple_decoder(args)
    if origin is list:
        return _row_decoder(args[0], list)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_decoder(args[1])
    return _float if kind is float else _int if kind is int else functools.partial(_instance, kind)


def _taken_as_is(kind: Any) -> frozenset[type]:
    """The classes whose values a `kind` takes without a look inside: most of a document, and not worth a call each."""
    if kind in (str, int, float, bool, type(None)):
        return frozenset([kind])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return frozenset().union(*map(_taken_as_is, typing.get_args(kind)))
    return frozenset()


def _expect(kind: type[T], data: Any) -> T:
    if not isinstance(data, kind):
        raise _Mismatch(f": expected {kind.__name__}, found {type(data).__name__}")
    return data


def _dataclass_decoder(kind: Any) -> Decoder:
    fields = {f.name: f for f in dataclasses.fields(kind)}
    needed = [
        name
        for name, f in fields.items()
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    decoders: dict[str, Decoder] = {}
    as_is: dict[str, frozenset[type]] = {}

    def read(data: Any) -> Any:
        if not decoders:  # at the first value, so that a type may hold its own kind
            hints = typing.get_type_hints(kind)
            as_is.update((name, _taken_as_is(hints[name])) for name in fields)
            decoders.update((name, _decoder(hints[name])) for name in fields)
        if not _expect(dict, data).keys() <= fields.keys():
            unknown = min(data.keys() - fields.keys())
            raise _Mismatch(f": unknown key {unknown!r}; known keys are {', '.join(sorted(fields))}")
        values = {}
        for name, value in data.items():
            try:
                values[name] = value if value.__class__ in as_is[name] else decoders[name](value)
            except _Mismatch as error:
                raise error.below(f".{name}") from None
        for name in needed:
            if name not in values:
                raise _Mismatch(f": key {name!r} is missing")
        try:
            return kind(**values)
        except CodecError:
            raise
        except ValueError as error:
            raise _Mismatch(f": {error}") from error

    return read


def _union_decoder(choices: tuple[Any, ...]) -> Decoder:
    optional = type(None) in choices
    decoders = [_decoder(choice) for choice in choices if choice is not type(None)]

    def read(data: Any) -> Any:
        if data is None and optional:
            return None
        said: list[str] = []
        for decoder in decoders:
            try:
                return decoder(data)
            except _Mismatch as error:
                said += error.said
        raise _Mismatch(*said)

    return read


def _row_decoder(item: Any, made: type[list[Any]] | type[tuple[Any, ...]]) -> Decoder:
    """Of a list or a tuple of any length."""
    decoder, as_is = _decoder(item), _taken_as_is(item)

    def read(data: Any) -> Any:
        values, found = _expect(list, data), []
        try:
            for value in values:
                found.append(value if value.__class__ in as_is else decoder(value))
        except _Mismatch as error:
            raise error.below(f"[{len(found)}]") from None
        return made(found)

    return read


def _tuple_decoder(kinds: tuple[Any, ...]) -> Decoder:
    """Of a tuple that has a kind for each of its items."""
    decoders = [_decoder(kind) for kind in kinds]

    def read(data: Any) -> Any:
        values = _expect(list, data)
        if len(values) != len(decoders):
            raise _Mismatch(f": expected {len(decoders)} items, found {len(values)}")
        found = []
        for place, (decoder, value) in enumerate(zip(decoders, values, strict=True)):
            try:
                found.append(decoder(value))
            except _Mismatch as error:
                raise error.below(f"[{place}]") from None
        return tuple(found)

    return read


def _mapping_decoder(item: Any) -> Decoder:
    decoder, as_is = _decoder(item), _taken_as_is(item)

    def read(data: Any) -> Any:
        found = {}
        for key, value in _expect(dict, data).items():
            try:
                found[key] = value if value.__class__ in as_is else decoder(value)
            except _Mismatch as error:
                raise error.below(f".{key}") from None
        return found

    return read


def _literal(choices: tuple[Any, ...], data: Any) -> Any:
    if data not in choices:
        raise _Mismatch(f" = {data!r}: not one of {', '.join(map(repr, choices))}")
    return data


def _float(data: Any) -> float:
    if isinstance(data, str) and data in NON_FINITE:
        return NON_FINITE[data]
    if isinstance(data, int | float) and not isinstance(data, bool):
        return float(data)
    raise _Mismatch(f" = {data!r}: expected float")


def _int(data: Any) -> int:
    if isinstance(data, int) and not isinstance(data, bool):
        return data
    raise _Mismatch(f" = {data!r}: expected int")


def _instance(kind: Any, data: Any) -> Any:
    if isinstance(data, kind):
        return data
    raise _Mismatch(f" = {data!r}: expected {getattr(kind, '__name__', kind)}")
