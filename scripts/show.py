"""`trainband show`: one run in full."""

from __future__ import annotations

import json
from typing import Any

from absl import flags

from trainband.command_line import UsageError, Verb, define_store, open_store


def define(values: flags.FlagValues) -> None:
    """Flags of `show`."""
    define_store(values)


def run(values: Any, words: list[str]) -> int:
    """Print the record and its newest judgement."""
    from trainband.results.codec import decode, encode
    from trainband.results.judgements import Judgement
    from trainband.results.store import JudgementFilter
    from trainband.summaries import run_summary

    if len(words) != 1:
        raise UsageError("give one run id, or the beginning of one")
    store = open_store(values, create=False)
    run_id = store.find_run(words[0])
    record = store.read_record(run_id)
    documents = store.judgements(JudgementFilter(run_id=run_id, limit=1))
    judgement = decode(Judgement, documents[0]) if documents else None
    if values.json:
        print(json.dumps({"record": encode(record), "judgement": encode(judgement)}, indent=1))
    else:
        print(run_summary(record, judgement, store.run_path(run_id)))
    return 0


VERB = Verb(
    summary="Show one run: quality, throughput, verdict, or why it failed with the end of its log.",
    example="trainband show 20261123T0851",
    define=define,
    run=run,
    words="RUN",
)
