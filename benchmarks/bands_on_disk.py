"""Where bands are read and written: the committed reference results, or a folder that the user names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path

from trainband.results.band_files import band_path, read_band
from trainband.results.bands import Band
from trainband.results.waivers import WAIVERS_FILE, Waiver, read_waivers


@dataclass(frozen=True)
class BandFolder:
    """The folder `results/reference`, or another of the same form: `<model>/<tier>.json` and `waivers.toml`."""

    root: Path
    committed: bool = False

    def path(self, model: str, tier: str) -> Path:
        return band_path(self.root, model, tier)

    def read(self, model: str, tier: str) -> Band | None:
        """The band of (model, tier); None where there is no file. Raises CodecError where it cannot be read."""
        path = self.path(model, tier)
        return read_band(path) if path.exists() else None

    @cached_property
    def waivers(self) -> tuple[Waiver, ...]:
        """The waivers beside the bands, in `waivers.toml`. Raises WaiverError."""
        return read_waivers(self.root / WAIVERS_FILE)

    def label(self, model: str, tier: str) -> str:
        """The path as judgements name it; that of a committed band is relative, equal on every machine."""
        return f"results/reference/{model}/{tier}.json" if self.committed else str(self.path(model, tier))


def reference_bands(root: Path | None = None) -> BandFolder:
    """The folder at `root`, or the one that ships with the package."""
    if root is not None:
        return BandFolder(root)
    with as_file(files("trainband.results").joinpath("reference")) as folder:
        return BandFolder(folder, committed=True)
