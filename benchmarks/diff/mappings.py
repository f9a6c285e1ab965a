"""What two mappings do not share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def names_that_differ(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """The names, sorted, whose values are not equal or that one of the two does not have."""
    return tuple(sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name)))
