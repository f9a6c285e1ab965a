"""The verdict: a total function of the triggering record, the fresh records and the band.

In this order: failures, structural breaches, NaN and non-convergence, the band's own state, and then the two stages:
inside the band passes; outside, the mean of two fresh seeds decides, the triggering run left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trainband.results.bands import Band, unusable_reason
from trainband.results.breaches import metric_breaches, nonfinite, run_breaches
from trainband.results.judgements import Judgement, MetricJudgement, Verdict
from trainband.results.metrics import MetricSpec, better, metric_form
from trainband.results.power import FRESH_RUNS
from trainband.results.records import Measurement, Record
from trainband.results.two_stages import describe, failure_of, first_stage, second_stage


@dataclass(frozen=True, kw_only=True)
class _Decision:
    verdict: Verdict
    reason: str
    notes: tuple[str, ...] = ()
    metrics: tuple[MetricJudgement, ...] = ()
    needs_confirmation: bool = False


def judge(
    *,
    judgement_id: str,
    created: str,
    cell: str,
    trigger: Record | None,
    fresh: Sequence[Record],
    band: Band | None,
    metrics: Sequence[MetricSpec],
    band_path: str | None = None,
    sweep_id: str | None = None,
) -> Judgement:
    """The judgement of `cell`.

    Args:
      trigger: the run that the night (or the user) asked for; None where it left no record.
      fresh: runs of other seeds, trained because an earlier judgement of `trigger` needs confirmation.
      band: None where there is no band file.
      metrics: the model's metrics, the headline one first.
    """
    given = (*([trigger] if trigger is not None else []), *fresh)
    in_sample = trigger is not None and _in_evidence(band, trigger)
    decision = _decide(cell, trigger, fresh, band, metrics)
    return Judgement(
        judgement_id=judgement_id,
        created=created,
        sweep_id=sweep_id if sweep_id is not None or trigger is None else trigger.sweep_id,
        cell=cell,
        verdict=decision.verdict,
        reason=decision.reason,
        notes=(*decision.notes, *_remarks(given, in_sample)),
        metrics=decision.metrics,
        records=tuple(record.run_id for record in given),
        band_path=band_path if band is not None else None,
        band_digest=band.digest if band is not None else None,
        in_sample=in_sample,
        needs_confirmation=decision.needs_confirmation,
    )


def _remarks(given: Sequence[Record], in_sample: bool) -> list[str]:
    notes = ["in_sample: the seed is in the band's own evidence, so the run confirms nothing"] if in_sample else []
    return notes + [
        f"run {record.run_id} was trained with planted faults: {', '.join(record.faults)}"
        for record in given
        if record.faults
    ]


def _in_evidence(band: Band | None, record: Record) -> bool:
    if band is None or record.measurement is None:
        return False
    evidence = band.evidence
    if (evidence.model, evidence.tier, evidence.recipe_hash) != (
        record.model,
        record.tier,
        record.measurement.recipe_hash,
    ):
        return False
    return any(sample.seed == record.seed for sample in evidence.samples)


def _decide(
    cell: str, trigger: Record | None, fresh: Sequence[Record], band: Band | None, metrics: Sequence[MetricSpec]
) -> _Decision:
    if trigger is None:
        return _Decision(verdict="error", reason=f"no record of {cell}: the run left none")
    if trigger.measurement is None:
        return _failed(trigger)
    breach = _breach(cell, trigger, fresh, metrics)
    if breach is not None:
        return _Decision(verdict="error", reason=breach)
    if not metrics:
        return _Decision(verdict="no_band", reason="throughput only: synthetic data earn no verdict on quality")
    unusable = unusable_reason(band, cell, trigger.measurement.recipe_hash, trigger.measurement.data.digest)
    if unusable is None and band is not None and band.forms != tuple(map(metric_form, metrics)):
        unusable = "the band was calibrated for other metrics, units, directions or scales"
    usable = band if unusable is None else None
    confirming, notes = _confirming(trigger, fresh, band)
    decision = _divergence(trigger, confirming, usable, metrics)
    if decision is None:
        decision = (
            _Decision(verdict="no_band", reason=unusable or "no band")
            if usable is None
            else _two_stages(_values(trigger.measurement), [_values(r.measurement) for r in confirming], usable)
        )
    return replace(decision, notes=(*notes, *decision.notes))


def _failed(trigger: Record) -> _Decision:
    failure = trigger.failure
    what = f"{failure.kind}: {failure.message}" if failure is not None else "no measurement"
    return _Decision(verdict="timeout" if trigger.outcome == "timeout" else "error", reason=what)


def _breach(cell: str, trigger: Record, fresh: Sequence[Record], metrics: Sequence[MetricSpec]) -> str | None:
    for record in (trigger, *fresh):
        if record.cell != cell:
            return f"run {record.run_id} is of {record.cell}, not of {cell}"
        if record.measurement is None:
            return f"fresh run {record.run_id} ended in {record.outcome}, so nothing is confirmed"
        breaches = (*run_breaches(record), *metric_breaches(record, metrics))
        if breaches:
            return f"run {record.run_id}: {'; '.join(breaches)}"
    for record in fresh:
        if _trained(record) != _trained(trigger):
            return f"fresh run {record.run_id} trained another recipe or other data than {trigger.run_id}"
    return None


def _trained(record: Record) -> tuple[str, str] | None:
    measurement = record.measurement
    return None if measurement is None else (measurement.recipe_hash, measurement.data.digest)


def _confirming(trigger: Record, fresh: Sequence[Record], band: Band | None) -> tuple[list[Record], list[str]]:
    """The fresh records that may confirm, and a note for each that may not."""
    kept: list[Record] = []
    notes = []
    seeds = {trigger.seed}
    for record in fresh:
        if _in_evidence(band, record):
            notes.append(f"run {record.run_id} is in_sample (seed {record.seed}) and confirms nothing")
        elif record.seed in seeds:
            notes.append(f"run {record.run_id} repeats seed {record.seed} and confirms nothing")
        else:
            kept.append(record)
            seeds.add(record.seed)
    return kept, notes


def _divergence(
    trigger: Record, confirming: Sequence[Record], band: Band | None, metrics: Sequence[MetricSpec]
) -> _Decision | None:
    """What NaN and non-convergence decide; None where every run converged."""
    why = {record.run_id: _nonconvergent(record, band, metrics) for record in (trigger, *confirming)}
    failed = [f"run {run_id}: {reason}" for run_id, reason in why.items() if reason is not None]
    if not failed:
        return None
    reason = f"{len(failed)} of {len(why)} runs did not converge ({'; '.join(failed)})"
    if len(failed) >= 2:
        return _Decision(verdict="diverged", reason=reason)
    if len(confirming) >= FRESH_RUNS:
        suspect = _Decision(verdict="undecided", reason=reason, notes=("suspect: one run did not converge",))
        converged = [record for record in confirming if why[record.run_id] is None]
        return _suspect(trigger, converged, band, metrics, suspect)
    alone = why[trigger.run_id] is not None and nonfinite(trigger, metrics) is not None
    return _Decision(verdict="diverged" if alone else "undecided", reason=reason, needs_confirmation=band is not None)


def _suspect(
    trigger: Record, converged: Sequence[Record], band: Band | None, metrics: Sequence[MetricSpec], suspect: _Decision
) -> _Decision:
    """One run that did not converge leaves the mean; where the fresh runs that did are low all the same, they decide."""
    if band is None or nonfinite(trigger, metrics) is not None:
        return suspect
    found = _first_stages(_values(trigger.measurement), band)
    decision = _confirmed(found, [_values(record.measurement) for record in converged], band)
    return suspect if decision.verdict == "pass" else replace(decision, notes=(*suspect.notes, *decision.notes))


def _nonconvergent(record: Record, band: Band | None, metrics: Sequence[MetricSpec]) -> str | None:
    reason = nonfinite(record, metrics)
    if reason is not None or band is None or band.convergence_threshold is None:
        return reason
    headline = metrics[0]
    value = _values(record.measurement)[headline.name]
    if not better(headline, band.convergence_threshold, value):
        return None
    return f"{headline.name} = {value:.5g}, nearer to the untrained model than {band.convergence_threshold:.5g}"


def _values(measurement: Measurement | None) -> dict[str, float]:
    return {} if measurement is None else {name: item.value for name, item in measurement.quality.metrics.items()}


def _two_stages(values: dict[str, float], fresh: Sequence[dict[str, float]], band: Band) -> _Decision:
    found = _first_stages(values, band)
    outside = [item for item in found if not item.inside]
    if not outside:
        return _Decision(verdict="pass", reason="; ".join(map(describe, found)), metrics=found)
    if len(fresh) < FRESH_RUNS:
        return _Decision(
            verdict="undecided",
            reason=f"{'; '.join(map(describe, outside))}; {len(fresh)} of {FRESH_RUNS} fresh runs to confirm it",
            metrics=found,
            needs_confirmation=True,
        )
    return _confirmed(found, fresh, band)


def _first_stages(values: dict[str, float], band: Band) -> tuple[MetricJudgement, ...]:
    return tuple(first_stage(metric, values[metric.name]) for metric in band.metrics)


def _confirmed(found: Sequence[MetricJudgement], fresh: Sequence[dict[str, float]], band: Band) -> _Decision:
    """What the mean of the fresh runs decides where `found` lies outside; worse goes before better."""
    judged = tuple(
        item if item.inside else second_stage(metric, item, [run[item.name] for run in fresh])
        for metric, item in zip(band.metrics, found, strict=True)
    )
    moved = [item for item in judged if not item.inside]
    failures = {
        item.name: failure_of(metric, item) for metric, item in zip(band.metrics, judged, strict=True) if item.confirmed
    }
    if not failures:
        return _Decision(
            verdict="pass",
            reason="; ".join(map(describe, moved)),
            notes=(f"outside the band once: {', '.join(item.name for item in moved)}",),
            metrics=judged,
        )
    verdict: Verdict = "fail_low" if "fail_low" in failures.values() else "fail_high"
    return _Decision(
        verdict=verdict,
        reason="; ".join(describe(item) for item in moved if failures.get(item.name) == verdict),
        metrics=judged,
    )
