"""What a command knows before it trains anything: registry, profiles, what can train here, and bands.

Kept apart from `session`, whose runner brings NumPy and all that starts children: a report is written in a second or two.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trainband.benchmarks.bands_on_disk import BandFolder, reference_bands
from trainband.command_line import optional_path
from trainband.models.catalog import load_catalog
from trainband.models.specs import ReferenceModel
from trainband.platforms.host_facts import HostFacts, gather_host_facts
from trainband.platforms.probes import Availability, probe
from trainband.platforms.profiles import Profile, load_profiles


@dataclass
class Knowledge:
    """One command's view of what there is."""

    values: Any

    @cached_property
    def models(self) -> Mapping[str, ReferenceModel]:
        return load_catalog()

    @cached_property
    def profiles(self) -> Mapping[str, Profile]:
        return load_profiles()

    @cached_property
    def bands(self) -> BandFolder:
        return reference_bands(optional_path(self.values.bands))

    @cached_property
    def host(self) -> HostFacts:
        return gather_host_facts(environ=os.environ)

    def available(self, profile: Profile) -> Availability:
        """Whether the profile can train here, and if not, exactly why."""
        return probe(profile, host=self.host)

    def availability(self) -> dict[str, Availability]:
        """Of every profile."""
        return {name: self.available(profile) for name, profile in self.profiles.items()}
