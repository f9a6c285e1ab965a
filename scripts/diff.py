"""`trainband diff`: what two runs were given, and where their trajectories first part."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from absl import flags

from trainband.command_line import UsageError, Verb, define_store, open_store, optional_path

EQUAL, DIFFERENT = 0, 1


def define(values: flags.FlagValues) -> None:
    """Flags of `diff`."""
    define_store(values)
    flags.DEFINE_boolean(
        "rerun",
        True,
        "Where the traces leave an interval of steps, train both runs again up to there and look at every step.",
        flag_values=values,
    )
    flags.DEFINE_boolean(
        "zoom",
        False,
        "Take the step at which they part layer by layer on both sides, and tell rounding from a change.",
        flag_values=values,
    )
    flags.DEFINE_string("picture", None, "With --zoom: draw the layers into this HTML file.", flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Compare the records, then the traces."""
    from trainband.benchmarks.diff.explain import explain
    from trainband.benchmarks.diff.inputs import input_differences
    from trainband.benchmarks.diff.refine import read_side
    from trainband.benchmarks.diff.trajectory import NotComparable
    from trainband.benchmarks.trace.files import TraceError
    from trainband.diff_text import diff_text
    from trainband.results.codec import encode
    from trainband.zoom_text import write_picture

    if len(words) != 2:
        raise UsageError("give two run ids, or the beginnings of two")
    picture = _picture(values)
    store = open_store(values, create=False)
    names = [store.find_run(word) for word in words]
    try:
        a, b = (read_side(store, name) for name in names)
        with _rerunner() as rerunner:
            found = explain(a, b, rerunner, again=values.rerun, layers=values.zoom, say=_say)
    except (TraceError, NotComparable) as error:
        raise UsageError(str(error)) from error
    inputs = input_differences(a.record, b.record)
    if found.failed:
        _say(f"not looked at: {found.failed}")
    if values.json:
        parts = {"trajectory": found.compared, "refined": found.refined, "zoom": found.zoomed, "cause": found.cause}
        print(json.dumps(encode({"runs": names, "inputs": inputs, **parts}), indent=1))
    else:
        print("\n".join([diff_text(names, inputs, found.compared, found.refined), *_more(found.zoomed, found.cause)]))
    if picture is not None and found.zoomed is not None:
        write_picture(picture, found.zoomed)
    return EQUAL if found.compared.divergence is None else DIFFERENT


def _picture(values: Any) -> Path | None:
    """The file to draw into; asked for before the minutes that a zoom takes."""
    path = optional_path(values.picture)
    if path is not None and not values.zoom:
        raise UsageError("--picture draws what --zoom finds: give both")
    if path is not None and not path.parent.is_dir():
        raise UsageError(f"--picture={path}: there is no folder {path.parent}; make it, or name another file")
    return path


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _more(zoomed: Any, cause: Any) -> list[str]:
    from trainband.zoom_text import cause_text, zoom_text

    layers = ["", *zoom_text(zoomed), ""] if zoomed is not None else []
    return [*layers, *(f"  {line}" for line in cause_text(cause))]


@contextmanager
def _rerunner() -> Iterator[Any]:
    from trainband.benchmarks.children import ChildPool
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.diff.refine import Rerunner
    from trainband.session import say_building, say_waiting

    with ChildPool() as pool:
        yield Rerunner(pool=pool, cache_root=cache_root(), on_wait=say_waiting, on_build=say_building)


VERB = Verb(
    summary="Say what two runs were given, and at which stage and step they first part. Status 1 where they do.",
    example="trainband diff 20261123T0851 20261123T0903",
    define=define,
    run=run,
    words="RUN_A RUN_B",
)
