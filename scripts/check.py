"""`trainband check`: stored runs against today's bands. Trains nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from absl import flags

from trainband.command_line import (
    INFRASTRUCTURE,
    UsageError,
    Verb,
    check_required,
    define_judge_throughput,
    define_store,
    open_store,
    optional_path,
    with_throughput,
)
from trainband.results.judgements import SIGNS
from trainband.tables import plain_table, significant


def define(values: flags.FlagValues) -> None:
    """Flags of `check`."""
    define_store(values)
    flags.DEFINE_string("bands", None, "Directory of band files; the committed ones by default.", flag_values=values)
    flags.DEFINE_string(
        "sweep", None, "Judge the runs of this sweep; the newest run of each cell by default.", flag_values=values
    )
    flags.DEFINE_multi_string(
        "cells", [], "Shell pattern over model:tier@profile; may be repeated.", flag_values=values
    )
    flags.DEFINE_multi_string("require", [], "A profile that must have a judged run.", flag_values=values)
    define_judge_throughput(values)


def run(values: Any, words: list[str]) -> int:
    """Judge again what is stored; the judgements are printed, and the old ones stay."""
    from trainband.benchmarks.bands_on_disk import reference_bands
    from trainband.benchmarks.rejudge import rejudge, throughput_words
    from trainband.models.catalog import load_catalog
    from trainband.platforms.profiles import load_profiles
    from trainband.results.codec import encode
    from trainband.results.exit_status import exit_status

    profiles = load_profiles()
    check_required(values.require, profiles)
    store = open_store(values, create=False)
    checked = rejudge(
        store,
        reference_bands(optional_path(values.bands)),
        models=load_catalog(),
        profiles=profiles,
        globs=[*values.cells, *words],
        sweep_id=values.sweep,
    )
    problems = store.problems()
    for problem in problems:
        print(f"trainband check: {problem.path}: {problem.message}", file=sys.stderr)
    if not checked and not problems:
        raise UsageError(f"the store {store.root} has no run that was asked for; `trainband sweep` makes some")
    status = exit_status([item.judgement for item in checked], frozenset(values.require))
    if problems:
        status = INFRASTRUCTURE
    if values.judge_throughput:
        status = with_throughput(status, throughput_words(checked))
    if values.json:
        print(json.dumps({"checked": [encode(item) for item in checked], "status": status}, indent=1))
    else:
        print(plain_table(list(_rows(checked))))
        for item in checked:
            if item.judgement.verdict != "pass":
                print(f"{item.judgement.cell}: {item.judgement.reason}")
    return status


def _rows(checked: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for item in checked:
        metrics = item.judgement.metrics
        yield {
            "cell": item.judgement.cell,
            "verdict": f"{SIGNS[item.judgement.verdict]} {item.judgement.verdict}",
            **{
                name: significant(next((m.value for m in metrics if m.name == name), None))
                for name in dict.fromkeys(m.name for other in checked for m in other.judgement.metrics)
            },
            "throughput": item.throughput.word,
            "run": item.judgement.records[0] if item.judgement.records else "",
        }


VERB = Verb(
    summary="Judge stored runs again, against the bands as they are now. Trains nothing.",
    example="trainband check --cells='*@cpu'",
    define=define,
    run=run,
    words="[GLOB ...]",
)
