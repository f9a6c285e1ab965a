"""`trainband attribute`: which packages and releases, or which fields of a cell, make the difference between two sides."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from absl import flags

from trainband.command_line import INFRASTRUCTURE, UsageError, Verb, define_retraining

if TYPE_CHECKING:
    from trainband.benchmarks.attribution.trials import Laboratory
    from trainband.results.attributions import Attribution, By

FOUND, NOTHING_MOVED = 0, 4
_BY: tuple[By, ...] = ("bits", "quality", "cpu speed", "wall speed")


def define(values: flags.FlagValues) -> None:
    """Flags of `attribute`."""
    from trainband.gate import define_sides

    define_retraining(values)
    define_sides(values)
    text = "What the sides are compared by; speed is that of a CPU second or of a wall second."
    flags.DEFINE_enum("by", "bits", [each.replace(" ", "_") for each in _BY], text, flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Search, keeping every trial; a search that was interrupted goes on."""
    from trainband.attribution_text import attribution_text
    from trainband.benchmarks.attribution.fields import NotOneTask
    from trainband.benchmarks.attribution.search import EndsError
    from trainband.benchmarks.gate.evidence import NoMargin
    from trainband.results.attributions import AttributionFileError
    from trainband.results.codec import encode
    from trainband.session import NotHere, Session

    search = _search_of(values, words)
    try:
        found = search(values, Session(values), words)
    except (AttributionFileError, NotOneTask, NoMargin) as error:
        raise UsageError(str(error)) from error
    except NotHere as error:
        print(f"trainband attribute: {error}", file=sys.stderr)
        return INFRASTRUCTURE
    except EndsError as error:
        print(f"trainband attribute: {error}", file=sys.stderr)
        return NOTHING_MOVED
    if values.json:
        print(json.dumps(encode(found), indent=1))
    else:
        print(attribution_text(found))
    return FOUND


def _search_of(values: Any, words: list[str]) -> Callable[[Any, Any, list[str]], Any]:
    """The search that the command line asks for."""
    sides = bool(values.baseline), bool(values.candidate)
    if len(words) == 1 and all(sides):
        return _of_packages
    if len(words) == 2 and not any(sides):
        return _of_fields
    raise UsageError(
        "name one cell and give --baseline and --candidate, such as --baseline=tensorflow==2.16.2 "
        "--candidate=tensorflow==2.21.0, or name two cells"
    )


def _of_packages(values: Any, session: Any, words: list[str]) -> Any:
    from trainband.benchmarks.attribution.packages import PackageSearch
    from trainband.benchmarks.attribution.vectors import Vector, installed
    from trainband.benchmarks.cells import find_cell
    from trainband.gate import environments

    cell = find_cell(words[0], session.models, session.profiles)
    _check_cells(values, [cell])
    sides = environments(values, session, [cell])
    vector = Vector(**{name: installed(each.environment.python, each.environment.lock) for name, each in sides.items()})
    asked = sides["baseline"].side.asked, sides["candidate"].side.asked
    keys = [sides["baseline"].side.key, sides["candidate"].side.key]
    return _searched(
        session,
        cell,
        _planned(values, session, cell, asked, keys),
        lambda laboratory: PackageSearch(vector=vector, laboratory=laboratory, cell=cell, python=sys.executable),
    )


def _of_fields(values: Any, session: Any, words: list[str]) -> Any:
    from trainband.benchmarks.attribution.fields import CellFields, FieldSearch
    from trainband.benchmarks.cells import find_cell
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.gate.sides import gate_environments
    from trainband.results.codec import encode

    cells = [find_cell(word, session.models, session.profiles) for word in words]
    _check_cells(values, cells)
    fields = CellFields(baseline=cells[0], candidate=cells[1])
    session.check_trainable(cells)
    for line in session.prepare_data(cells):
        print(f"trainband attribute: {line}", file=sys.stderr)
    backend = cells[0].profile.backend
    here = gate_environments({"baseline": [sys.executable]}, backend, as_of=None, cache_root=cache_root(), say=print)[
        "baseline"
    ]
    keys = [here.side.key, *(encode([cell.model, cell.recipe, cell.profile]) for cell in cells)]
    return _searched(
        session,
        cells[0],
        _planned(values, session, cells[0], ((words[0],), (words[1],)), keys),
        lambda laboratory: FieldSearch(fields=fields, laboratory=laboratory, environment=here.environment),
    )


def _check_cells(values: Any, cells: list[Any]) -> None:
    for cell in cells:
        if values.by == "bits" and not cell.profile.deterministic:
            raise UsageError(
                f"{cell.name}: profile {cell.profile.name} is not deterministic: bits differ without a cause; look for "
                "it --by=quality or --by=cpu_speed"
            )
        if values.by == "quality" and cell.recipe.throughput_only:
            raise UsageError(f"{cell.name} trains for its speed alone: it has no quality to lose")
    sizes = sorted({cell.recipe.batch_size for cell in cells})
    if values.by.endswith("_speed") and len(sizes) > 1:
        raise UsageError(
            f"steps of {sizes[0]} and of {sizes[1]} examples are not the same work: speed is told by steps"
        )


def _planned(
    values: Any, session: Any, cell: Any, asked: tuple[tuple[str, ...], tuple[str, ...]], keys: list[Any]
) -> Attribution:
    """The document of a search that has not begun; `keys` tell its sides from any others."""
    from trainband import __version__
    from trainband.benchmarks.judging import now_utc
    from trainband.results.attributions import Attribution

    with session.runner() as runner:
        content = json.dumps([cell.name, values.by, keys, *runner.surroundings(cell)])
    return Attribution(
        key=hashlib.sha256(content.encode()).hexdigest()[:16],
        created=now_utc(),
        trainband_version=__version__,
        cell=cell.name,
        by=values.by.replace("_", " "),
        baseline=asked[0],
        candidate=asked[1],
    )


def _searched(session: Any, cell: Any, planned: Attribution, search: Callable[[Laboratory], Any]) -> Any:
    """What the search found, in its own folder; it goes on with what is there."""
    from trainband.benchmarks.attribution.trials import Laboratory
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.gate.folders import held_folder
    from trainband.results.attributions import ATTRIBUTION_FILE, read_attribution, to_go_on_with, write_attribution
    from trainband.session import say_waiting

    with held_folder(session.store.root / "attributions" / planned.key) as folder:
        path = folder / ATTRIBUTION_FILE
        laboratory = Laboratory(
            measure=_measure(planned.by, session, cell),
            seeded_by=(cell.model.name, cell.recipe.tier),
            store=session.store,
            cache_root=cache_root(),
            found=to_go_on_with(read_attribution(path)) if path.exists() else planned,
            save=lambda found: write_attribution(path, found),
            on_wait=say_waiting,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
        return search(laboratory).run()


def _measure(by: By, session: Any, cell: Any) -> Any:
    from trainband.benchmarks.attribution.measures import Bits, Quality, Speed
    from trainband.benchmarks.gate.planning import bands_of

    if by == "quality":
        return Quality(band=bands_of([cell], session.bands)[cell.name])
    return Bits() if by == "bits" else Speed(basis="cpu" if by == "cpu speed" else "wall")


VERB = Verb(
    summary="Name the packages whose move changed a cell's bits, quality or speed between two environments, and the "
    "releases that did; or, between two cells, the fields of profile and recipe. Status 4 where nothing moved.",
    example="trainband attribute cnn_digits:smoke@cpu_deterministic --baseline=tensorflow==2.16.2 "
    "--candidate=tensorflow==2.21.0",
    define=define,
    run=run,
    words="CELL [CELL]",
)
