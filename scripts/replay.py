"""`trainband replay`: a stored run trained again in its own environment, and a receipt."""

from __future__ import annotations

import json
import sys
from typing import Any

from absl import flags

from trainband.command_line import INFRASTRUCTURE, UsageError, Verb, define_retraining, open_store

REPRODUCED, DIFFERENT = 0, 1


def define(values: flags.FlagValues) -> None:
    """Flags of `replay`."""
    define_retraining(values)
    flags.DEFINE_boolean(
        "rebuild",
        False,
        "Train in an environment that is built from the lock or the recorded versions, even where their packages are here.",
        flag_values=values,
    )


def run(values: Any, words: list[str]) -> int:
    """Find or build the environment, train, compare."""
    from trainband.benchmarks.diff.refine import read_side
    from trainband.benchmarks.environments.asked import Environment
    from trainband.benchmarks.replay.replay import Replayer, cell_of
    from trainband.benchmarks.run_spec import stored_spec
    from trainband.benchmarks.trace.files import TraceError
    from trainband.replay_text import replay_text
    from trainband.results.codec import encode
    from trainband.session import Session

    if len(words) != 1:
        raise UsageError("give one run id, or the beginning of one")
    store = open_store(values, create=False)
    try:
        recorded = read_side(store, store.find_run(words[0]))
    except TraceError as error:
        raise UsageError(str(error)) from error
    spec = stored_spec(recorded.folder)
    cell = cell_of(spec)
    session = Session(values)
    session.check_bands([cell])
    found = _environment(values, recorded)
    session.environment = Environment(python=found.python, lock=found.lock)
    availability = session.available(cell.profile)
    if not availability.available:
        print(f"trainband replay: {cell.name} cannot train here: {availability.reason}", file=sys.stderr)
        return INFRASTRUCTURE
    for line in session.prepare_data([cell]):
        print(f"trainband replay: {line}", file=sys.stderr)
    with session.runner() as runner:
        replayer = Replayer(runner=runner, bands=session.bands, source=found.source)
        record, receipt = replayer.replay(recorded, spec)
    if values.json:
        print(json.dumps({"record": encode(record), "receipt": encode(receipt)}, indent=1))
    else:
        print(replay_text(receipt, found.python))
    return DIFFERENT if receipt.answer == "different" else REPRODUCED


def _environment(values: Any, recorded: Any) -> Any:
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.environments.recorded import recorded_environment
    from trainband.session import say_building

    return recorded_environment(
        recorded.record,
        recorded.folder,
        cache_root=cache_root(),
        rebuild=values.rebuild,
        on_build=lambda: say_building(recorded.record.run_id),
    )


VERB = Verb(
    summary="Train a stored run again in its own environment, built again where it is gone, and compare to the bit.",
    example="trainband replay 20261123T0851",
    define=define,
    run=run,
    words="RUN",
)
