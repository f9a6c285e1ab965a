"""`trainband attribute`: which packages, and which of their releases, changed a cell's bits between two environments."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from absl import flags

from trainband.command_line import UsageError, Verb, define_retraining, one_cell

FOUND, NOTHING_MOVED = 0, 4


def define(values: flags.FlagValues) -> None:
    """Flags of `attribute`."""
    from trainband.gate import define_sides

    define_retraining(values)
    define_sides(values)


def run(values: Any, words: list[str]) -> int:
    """Search, keeping every trial; a search that was interrupted goes on."""
    from trainband.attribution_text import attribution_text
    from trainband.benchmarks.attribution.packages import EndsError
    from trainband.results.attributions import AttributionFileError
    from trainband.results.codec import encode
    from trainband.session import Session

    cell_name = one_cell(words)
    if not values.baseline or not values.candidate:
        raise UsageError(
            "give --baseline and --candidate, such as --baseline=tensorflow==2.16.2 --candidate=tensorflow==2.21.0"
        )
    session = Session(values)
    try:
        found = _search(values, session, cell_name)
    except AttributionFileError as error:
        raise UsageError(str(error)) from error
    except EndsError as error:
        print(f"trainband attribute: {error}", file=sys.stderr)
        return NOTHING_MOVED
    if values.json:
        print(json.dumps(encode(found), indent=1))
    else:
        print(attribution_text(found))
    return FOUND


def _search(values: Any, session: Any, cell_name: str) -> Any:
    from trainband import __version__
    from trainband.benchmarks.attribution.packages import PackageSearch
    from trainband.benchmarks.attribution.trials import Laboratory
    from trainband.benchmarks.attribution.vectors import Vector, installed
    from trainband.benchmarks.cells import find_cell
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.gate.folders import held_folder
    from trainband.benchmarks.judging import now_utc
    from trainband.benchmarks.seeds import gate_seed
    from trainband.benchmarks.staging import stage
    from trainband.gate import environments
    from trainband.results.attributions import ATTRIBUTION_FILE, Attribution, read_attribution, write_attribution
    from trainband.session import say_waiting

    cell = find_cell(cell_name, session.models, session.profiles)
    if not cell.profile.deterministic:
        raise UsageError(f"{cell.name}: profile {cell.profile.name} is not deterministic: bits differ without a cause")
    sides = environments(values, session, [cell])
    content = [cell.name, sides["baseline"].side.key, sides["candidate"].side.key, stage(cache_root()).name]
    planned = Attribution(
        key=hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16],
        created=now_utc(),
        trainband_version=__version__,
        cell=cell.name,
        seed=gate_seed(cell.model.name, cell.recipe.tier, 0),
        baseline=sides["baseline"].side.asked,
        candidate=sides["candidate"].side.asked,
    )
    vector = Vector(**{name: installed(each.environment.python, each.environment.lock) for name, each in sides.items()})
    with held_folder(session.store.root / "attributions" / planned.key) as folder:
        path = folder / ATTRIBUTION_FILE
        laboratory = Laboratory(
            cell=cell,
            store=session.store,
            cache_root=cache_root(),
            python=sys.executable,
            found=read_attribution(path) if path.exists() else planned,
            save=lambda found: write_attribution(path, found),
            on_wait=say_waiting,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
        return PackageSearch(vector=vector, laboratory=laboratory).run()


VERB = Verb(
    summary="Name the packages whose move changed a cell's bits between two environments, and each release that did. "
    "Status 4 where nothing moved.",
    example="trainband attribute cnn_digits:smoke@cpu_deterministic --baseline=tensorflow==2.16.2 "
    "--candidate=tensorflow==2.21.0",
    define=define,
    run=run,
    words="CELL",
)
