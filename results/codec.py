"""Frozen dataclasses to JSON values and back, strictly: an unknown or missing key is an error that names its path."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class CodecError(ValueError):
    """A stored value does not have the form that its type states."""


def encode(value: Any) -> Any:
    """A JSON-ready copy of `value`; non-finite floats become the strings NaN, Infinity and -Infinity."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def decode(kind: type[T], data: Any, path: str = "") -> T:
    """An instance of the dataclass `kind` from the JSON value `data`.

    Raises:
      CodecError: a key is unknown or missing, or a value has the wrong type; the message names the path.
    """
    return typing.cast(T, _decode(kind, data, path or kind.__name__))


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


def _decode(kind: Any, data: Any, path: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return data
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data, path)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(kind), data, path)
    if origin is typing.Literal:
        if data not in typing.get_args(kind):
            raise CodecError(f"{path} = {data!r}: not one of {', '.join(map(repr, typing.get_args(kind)))}")
        return data
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), data, path)
    if origin is list:
        (item,) = typing.get_args(kind)
        return [_decode(item, value, f"{path}[{i}]") for i, value in enumerate(_expect(list, data, path))]
    if origin is not None and issubclass(origin, Mapping):
        _, item = typing.get_args(kind)
        return {key: _decode(item, value, f"{path}.{key}") for key, value in _expect(dict, data, path).items()}
    return _decode_scalar(kind, data, path)


def _expect(kind: type[T], data: Any, path: str) -> T:
    if not isinstance(data, kind):
        raise CodecError(f"{path}: expected {kind.__name__}, found {type(data).__name__}")
    return data


def _decode_dataclass(kind: Any, data: Any, path: str) -> Any:
    _expect(dict, data, path)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise CodecError(f"{path}: unknown key {unknown[0]!r}; known keys are {', '.join(sorted(fields))}")
    hints = _type_hints(kind)
    values = {}
    for name, f in fields.items():
        if name in data:
            values[name] = _decode(hints[name], data[name], f"{path}.{name}")
        elif f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise CodecError(f"{path}: key {name!r} is missing")
    try:
        return kind(**values)
    except CodecError:
        raise
    except ValueError as error:
        raise CodecError(f"{path}: {error}") from error


@functools.cache
def _type_hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode_union(choices: tuple[Any, ...], data: Any, path: str) -> Any:
    if data is None and type(None) in choices:
        return None
    errors = []
    for choice in choices:
        if choice is type(None):
            continue
        try:
            return _decode(choice, data, path)
        except CodecError as error:
            errors.append(str(error))
    raise CodecError("; ".join(errors))


def _decode_tuple(args: tuple[Any, ...], data: Any, path: str) -> tuple[Any, ...]:
    values = _expect(list, data, path)
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], value, f"{path}[{i}]") for i, value in enumerate(values))
    if len(values) != len(args):
        raise CodecError(f"{path}: expected {len(args)} items, found {len(values)}")
    return tuple(_decode(kind, value, f"{path}[{i}]") for i, (kind, value) in enumerate(zip(args, values, strict=True)))


def _decode_scalar(kind: Any, data: Any, path: str) -> Any:
    if kind is float:
        if isinstance(data, str) and data in _NON_FINITE:
            return _NON_FINITE[data]
        if isinstance(data, int | float) and not isinstance(data, bool):
            return float(data)
    elif kind is int:
        if isinstance(data, int) and not isinstance(data, bool):
            return data
    elif isinstance(data, kind):
        return data
    raise CodecError(f"{path} = {data!r}: expected {getattr(kind, '__name__', kind)}")
