"""Why a verdict is what it is, in the units of pages; the stored sentence has fractions."""

from __future__ import annotations

from collections.abc import Mapping

from trainband.results.judgements import Judgement, MetricJudgement
from trainband.results.pages import formats
from trainband.results.pages.content import ReportContent


def metric_units(content: ReportContent) -> dict[str, str]:
    """Metric name -> unit, from the models, the bands and the runs."""
    measured = (record.measurement.quality.metrics for record in content.records if record.measurement is not None)
    return {
        **{name: value.unit for metrics in measured for name, value in metrics.items()},
        **{form.name: form.unit for band in content.bands.values() for form in band.forms},
        **{metric.name: metric.unit for model in content.models for metric in model.metrics},
    }


def spoken_reason(judgement: Judgement, units: Mapping[str, str]) -> str:
    """The judgement's reason; where metrics moved it, told from their numbers, and with a waiver's owner and last day."""
    waived = judgement.waived
    reason = _from_metrics(judgement, units) if judgement.metrics else judgement.reason
    if waived is None:
        return reason
    return f"{waived.verdict}, waived by {waived.owner} until {waived.until} ({waived.reason}): {reason}"


def _fresh_seeds(found: MetricJudgement, unit: str) -> str | None:
    """What the fresh runs said of a metric; None where none were asked."""
    if found.fresh_mean is None or found.confirm_bound is None:
        return None
    mean, bound = formats.metric(found.fresh_mean, unit), formats.metric(found.confirm_bound, unit)
    return (
        f"fresh seeds: mean {mean} against the 1% bound {bound}: {'confirmed' if found.confirmed else 'not confirmed'}"
    )


def _from_metrics(judgement: Judgement, units: Mapping[str, str]) -> str:
    told = [item for item in judgement.metrics if not item.inside] or judgement.metrics
    sentences = [_sentence(item, units.get(item.name, "")) for item in told]
    if judgement.needs_confirmation:
        sentences.append("two fresh seeds have to confirm it")
    return "; ".join(sentences)


def _sentence(found: MetricJudgement, unit: str) -> str:
    where = "in" if found.inside else "below" if found.value < found.lower else "above"
    lower = formats.metric(found.lower, unit) + (" (cannot fail)" if found.lower_cannot_fail else "")
    upper = formats.metric(found.upper, unit) + (" (cannot fail)" if found.upper_cannot_fail else "")
    text = f"{found.name} {formats.metric(found.value, unit)} {where} {lower} to {upper}"
    fresh = _fresh_seeds(found, unit)
    return text if fresh is None else f"{text} ({fresh})"
