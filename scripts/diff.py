"""`trainband diff`: what two runs were given, and where their trajectories first part."""

from __future__ import annotations

import json
import sys
from typing import Any

from absl import flags

from trainband.command_line import UsageError, Verb, define_store, open_store

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


def run(values: Any, words: list[str]) -> int:
    """Compare the records, then the traces."""
    from trainband.benchmarks.diff.inputs import input_differences
    from trainband.benchmarks.diff.refine import read_side
    from trainband.benchmarks.diff.trajectory import NotComparable, compare_traces
    from trainband.benchmarks.trace.files import TraceError
    from trainband.diff_text import diff_text
    from trainband.results.codec import encode

    if len(words) != 2:
        raise UsageError("give two run ids, or the beginnings of two")
    store = open_store(values, create=False)
    names = [store.find_run(word) for word in words]
    try:
        sides = [read_side(store, name) for name in names]
        compared = compare_traces(*(side.trace for side in sides))
    except (TraceError, NotComparable) as error:
        raise UsageError(str(error)) from error
    inputs = input_differences(*(side.record for side in sides))
    refined = _refined(sides[0], sides[1], compared.divergence) if values.rerun else None
    if values.json:
        found = {"runs": names, "inputs": inputs, "trajectory": compared, "refined": refined}
        print(json.dumps(encode(found), indent=1))
    else:
        print(diff_text(names, inputs, compared, refined))
    return EQUAL if compared.divergence is None else DIFFERENT


def _refined(a: Any, b: Any, divergence: Any) -> Any:
    """What training both again shows; None where the traces have said it all, or nothing can be trained again."""
    from trainband.benchmarks.children import ChildPool
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.diff.refine import RerunError, Rerunner, refine
    from trainband.session import say_building, say_waiting

    if divergence is None or divergence.exact:
        return None
    print(f"training both again up to step {divergence.last_step}", file=sys.stderr)
    try:
        with ChildPool() as pool:
            rerunner = Rerunner(pool=pool, cache_root=cache_root(), on_wait=say_waiting, on_build=say_building)
            return refine(a, b, divergence, rerunner)
    except RerunError as error:
        print(f"not refined: {error}", file=sys.stderr)
        return None


VERB = Verb(
    summary="Say what two runs were given, and at which stage and step they first part. Status 1 where they do.",
    example="trainband diff 20261123T0851 20261123T0903",
    define=define,
    run=run,
    words="RUN_A RUN_B",
)
