"""Profiles from TOML files: those that ship here, and those that other packages add."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from trainband.platforms.profile_spec import KEYS, Profile, ProfileError, did_you_mean

__all__ = ["ENTRY_POINT_GROUP", "Profile", "ProfileError", "find_profile", "load_profile_file", "load_profiles"]

ENTRY_POINT_GROUP = "trainband.profiles"
_REQUIRED = tuple(f.name for f in fields(Profile) if f.default is MISSING and f.default_factory is MISSING)


def load_profiles() -> dict[str, Profile]:
    """All profiles by name, sorted: the shipped ones and those of the entry-point group `trainband.profiles`.

    Raises:
      ProfileError: a file or an entry point does not hold, or a name is used twice.
    """
    found: dict[str, tuple[str, Profile]] = {}
    for source, profile in (*_from_folder(resources.files(__package__) / "profiles"), *_from_entry_points()):
        if profile.name in found:
            raise ProfileError(
                f"{source}: profile {profile.name!r} is already defined by {found[profile.name][0]}; rename one"
            )
        found[profile.name] = (source, profile)
    return {name: found[name][1] for name in sorted(found)}


def find_profile(name: str, profiles: dict[str, Profile] | None = None) -> Profile:
    """The profile called `name` among `profiles`, by default all of them.

    Raises:
      ProfileError: there is none; the message has the names that there are.
    """
    known = load_profiles() if profiles is None else profiles
    if name not in known:
        raise ProfileError(f"no profile {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    return known[name]


def load_profile_file(path: str | Path | Traversable) -> Profile:
    """The profile in a TOML file whose `name` is the file's stem.

    Raises:
      ProfileError: the file cannot be read, is not TOML, or is not a profile; the message begins with the path.
    """
    source = Path(path) if isinstance(path, str) else path
    try:
        return _profile(_toml(source), stem=source.name.removesuffix(".toml"))
    except ProfileError as error:
        raise ProfileError(f"{source}{error}") from None


def _toml(source: Traversable) -> dict[str, Any]:
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise ProfileError(f": cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ProfileError(f": not UTF-8 at byte {error.start}") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else len(text.splitlines())
        raise ProfileError(f":{line}: not TOML: {error}") from None


def _profile(table: dict[str, Any], *, stem: str) -> Profile:
    for key in table:
        if key not in KEYS:
            raise ProfileError(f": unknown key {key!r}{did_you_mean(key, KEYS)}; known keys: {', '.join(KEYS)}")
    missing = [key for key in _REQUIRED if key not in table]
    if missing:
        raise ProfileError(f": key {missing[0]!r} is missing; a profile needs {', '.join(_REQUIRED)}")
    try:
        profile = Profile(**table)
    except ProfileError as error:
        raise ProfileError(f": {error}") from None
    if profile.name != stem:
        raise ProfileError(f": name = {profile.name!r}: must be the file's own name, {stem!r}")
    return profile


def _from_folder(folder: Traversable) -> Iterator[tuple[str, Profile]]:
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            yield str(file), load_profile_file(file)


def _from_entry_points() -> Iterator[tuple[str, Profile]]:
    for entry in metadata.entry_points(group=ENTRY_POINT_GROUP):
        source = f"entry point {entry.name!r} of {entry.dist.name if entry.dist else 'an unknown distribution'}"
        try:
            found = list(_from_plugin(source, entry.load()))
        except ProfileError:
            raise
        except Exception as error:  # a stranger's module may raise anything
            raise ProfileError(f"{source}: {entry.value} does not load: {type(error).__name__}: {error}") from error
        yield from found


def _from_plugin(source: str, value: Any) -> Iterator[tuple[str, Profile]]:
    if callable(value):
        made = value()
        if not isinstance(made, Iterable):
            raise ProfileError(f"{source}: returned {type(made).__name__}; must return an iterable of Profile")
        for profile in made:
            if not isinstance(profile, Profile):
                raise ProfileError(f"{source}: yielded {type(profile).__name__}; must yield Profile")
            yield source, profile
        return
    folder = Path(value) if isinstance(value, str) else value
    if not isinstance(folder, Traversable) or not folder.is_dir():
        raise ProfileError(f"{source}: {value!r} is neither a folder of TOML files nor a callable that gives profiles")
    yield from _from_folder(folder)
