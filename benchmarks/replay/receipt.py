"""The receipt of a replay: bit-exact, within noise or different, and if it was not exact, why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from trainband.benchmarks.diff.inputs import InputDifference, input_differences
from trainband.benchmarks.diff.refine import Side
from trainband.benchmarks.diff.stages import COMPUTED, STAGES
from trainband.benchmarks.diff.trajectory import Comparison, NotComparable, compare_traces
from trainband.benchmarks.environments.recorded import Source
from trainband.results.agreement import MetricAgreement, agreement
from trainband.results.bands import Band, unusable_reason
from trainband.results.codec import decode_document, encode
from trainband.results.records import Measurement, Record

RECEIPT_VERSION = 1

Answer = Literal["bit-exact", "within noise", "different"]

_GIVEN = frozenset(STAGES) - {*COMPUTED, "evaluation"}
_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a replay came to.

    Attributes:
      run, replay: ids of the recorded run and of the one that was trained now.
      environment: where the recorded packages were found, see `RecordedEnvironment`.
      reasons: why it is not bit-exact, as far as the two records tell; none where it is.
      inputs: what the two runs were not given alike.
      trajectory: their traces compared; None where the models have other tensors.
      metrics: their final metrics against the noise of fresh seeds; none where no band can say.
    """

    run: str
    replay: str
    answer: Answer
    environment: Source
    reasons: tuple[str, ...]
    inputs: tuple[InputDifference, ...]
    trajectory: Comparison | None
    metrics: tuple[MetricAgreement, ...]
    version: int = field(default=RECEIPT_VERSION)


def make_receipt(recorded: Side, again: Side, band: Band | None, environment: Source) -> Receipt:
    """Compare two completed runs.

    * `bit-exact`: every record of the traces, the final weights and the metrics are equal.
    * `within noise`: what the steps were given is equal to the bit, and the metrics differ by no more than those of
      two fresh seeds do, see `agreement`. That is no proof of equality: a change that moves results by less than seeds
      do looks the same.
    * `different`: everything else, a run that no band can be asked about and files that contradict themselves included.
    """
    a, b = _measured(recorded.record), _measured(again.record)
    inputs = input_differences(recorded.record, again.record)
    try:
        compared, apart = compare_traces(recorded.trace, again.trace), ""
    except NotComparable as error:
        compared, apart = None, str(error)
    unusable = unusable_reason(band, again.record.cell, b.recipe_hash, b.data.digest)
    metrics = agreement(a, b, band) if band is not None and unusable is None else ()
    exact = compared is not None and compared.divergence is None and _ends_alike(a, b)
    doubtful = tuple(_contradictions(compared, ends_alike=_ends_alike(a, b)))
    comparable = compared is not None and _GIVEN.isdisjoint(compared.first) and not doubtful
    noise = comparable and bool(metrics) and all(metric.within for metric in metrics)
    reasons = (
        *([apart] if apart else []),
        *_reasons(recorded.record, inputs),
        *doubtful,
        *([f"within noise cannot be claimed: {unusable}"] if unusable and not exact else []),
    )
    return Receipt(
        run=recorded.record.run_id,
        replay=again.record.run_id,
        answer="bit-exact" if exact else "within noise" if noise else "different",
        environment=environment,
        reasons=() if exact else reasons,
        inputs=inputs,
        trajectory=compared,
        metrics=metrics,
    )


def receipt_to_json(receipt: Receipt) -> str:
    """The receipt as its file's text."""
    return json.dumps(encode(receipt), indent=1, allow_nan=False) + "\n"


def receipt_from_json(text: str) -> Receipt:
    """The receipt in `text`; raises CodecError."""
    return decode_document(Receipt, text, name="receipt", version=RECEIPT_VERSION)


def _measured(record: Record) -> Measurement:
    if record.measurement is None:
        raise ValueError(f"run {record.run_id} ended in {record.outcome}: it measured nothing")
    return record.measurement


def _ends_alike(a: Measurement, b: Measurement) -> bool:
    """Final weights and metrics, to the bit; as text, since a metric may be NaN."""
    ends = [(each.weights.final_digest, encode(each.quality.metrics)) for each in (a, b)]
    return ends[0] == ends[1]


def _reasons(record: Record, inputs: Sequence[InputDifference]) -> Iterator[str]:
    deterministic = bool(record.profile_spec.get("deterministic"))
    if not deterministic:
        yield f"profile {record.profile} does not ask for determinism: two runs of one seed may differ"
    for group, members in groupby(inputs, key=lambda each: each.group):
        yield f"{group}: {_named(list(members))}"
    if deterministic and not inputs:
        yield "nothing that was recorded explains it: the inputs are equal and the profile is deterministic"


def _named(members: Sequence[InputDifference]) -> str:
    named = [f"{each.name} {_short(each.values[0])} | {_short(each.values[1])}" for each in members[:_NAMED]]
    more = len(members) - _NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _contradictions(compared: Comparison | None, *, ends_alike: bool) -> Iterator[str]:
    """What no training does, and a changed file can."""
    if compared is not None and ends_alike and compared.divergence is not None:
        yield "final weights and metrics are equal to the bit, the traces are not: one of them may have been changed since"
    if compared is not None and not ends_alike and compared.divergence is None:
        yield "the traces are equal to the bit, final weights or metrics are not: a record may have been changed since"
