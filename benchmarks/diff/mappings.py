"""Mappings compared: made flat, and what two of them do not share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def names_that_differ(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """The names, sorted, whose values are not equal or that one of the two does not have."""
    return tuple(sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name)))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, their keys joined by dots."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found
