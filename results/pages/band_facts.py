"""A band as a reader wants it: how far it can be trusted, what it can find, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from trainband.results.bands import Band
from trainband.results.metric_bands import MetricBand
from trainband.results.pages import formats


@dataclass(frozen=True, kw_only=True)
class MetricFacts:
    """One metric's interval, each text ready to show."""

    name: str
    unit: str
    interval: str
    center: str
    sd: str
    n: str
    false_fails: str
    margin: str
    margin_reason: str
    found: str
    fresh: str
    method: str


@dataclass(frozen=True, kw_only=True)
class BandFacts:
    """Attributes:
    facts: label and text of what holds for the whole band.
    published: metric, value and source of each figure from the literature.
    """

    status: str
    tone: str
    explanation: str
    facts: tuple[tuple[str, str], ...]
    metrics: tuple[MetricFacts, ...]
    published: tuple[tuple[str, str, str], ...]


def band_facts(band: Band) -> BandFacts:
    """`band` as texts."""
    units = {form.name: form.unit for form in band.forms}
    return BandFacts(
        status=band.status,
        tone={"calibrated": "good", "partial": "open", "rejected": "bad"}[band.status],
        explanation={
            "calibrated": f"It judges runs: {band.n} seeds.",
            "partial": f"It judges nothing yet: n = {band.n} of {band.n_required} seeds.",
            "rejected": f"It judges nothing: {band.rejected_because}.",
        }[band.status],
        facts=_facts(band),
        metrics=tuple(map(_metric_facts, band.metrics)),
        published=tuple(
            (item.metric, _published_value(item.value, item.sd, item.n, units.get(item.metric, "")), item.source)
            for item in band.evidence.published
        ),
    )


def _facts(band: Band) -> tuple[tuple[str, str], ...]:
    evidence = band.evidence
    first = band.metrics[0] if band.metrics else None
    dates = evidence.dates
    guarantee = (
        f"with {first.confidence:.0%} confidence, at least {first.coverage:.0%} of healthy runs lie inside"
        if first
        else "none: there is no interval"
    )
    converged = f"{band.n - band.nonconvergent} of {band.n} seeds"
    if band.nonconvergent_upper is not None:
        converged += f" (failure rate at most {formats.percent(band.nonconvergent_upper, 1)} at 95%)"
    rows = {
        "Guarantee": guarantee,
        "Converged": converged,
        "False fails of a healthy cell": f"{formats.number(band.false_fails_a_night, 2)} a night",
        "Evidence": f"trained on {evidence.profile}, {evidence.jobs} at once; {evidence.n_test:,} test examples",
        "Dates": f"{formats.utc(dates[0])} to {formats.utc(dates[1])}" if dates else "no samples",
        "Versions": "; ".join(f"{name} {', '.join(v)}" for name, v in sorted(evidence.versions.items())) or "unknown",
        "Hosts": ", ".join(sorted(evidence.hosts)) or "unknown",
        "Recipe hash": evidence.recipe_hash,
        "Data digest": evidence.data_digest,
        "Written": formats.utc(band.created),
    }
    if evidence.notes:
        rows["Notes"] = "; ".join(evidence.notes)
    return tuple(rows.items())


def _metric_facts(metric: MetricBand) -> MetricFacts:
    lower = formats.metric(metric.lower, metric.unit) + (" (cannot fail)" if metric.lower_cannot_fail else "")
    upper = formats.metric(metric.upper, metric.unit) + (" (cannot fail)" if metric.upper_cannot_fail else "")
    if metric.scale == "log":
        sd = f"{formats.number(metric.sd, 3)} (natural logarithm)"
    else:
        sd = f"{100 * metric.sd:.3g} percentage points" if metric.unit == "fraction" else formats.number(metric.sd, 3)
    fresh = metric.fresh_seeds_for_margin
    return MetricFacts(
        name=metric.name,
        unit=formats.unit_label(metric.unit),
        interval=f"{lower} to {upper}",
        center=formats.metric(metric.center, metric.unit),
        sd=sd + ("" if metric.sd == metric.sample_sd else ", at its floor"),
        n=str(metric.n),
        false_fails=f"{formats.number(metric.false_fail_rate.mean, 2)} a night",
        margin=formats.loss(metric.margin.value, metric.unit, metric.scale),
        margin_reason=metric.margin.reason,
        found=formats.loss(metric.detectable_drop, metric.unit, metric.scale),
        fresh="more than 100" if fresh is None else str(fresh),
        method=metric.method,
    )


def _published_value(value: float, sd: float | None, n: int | None, unit: str) -> str:
    text = formats.metric(value, unit)
    if sd is not None:
        text += f" ± {formats.metric(sd, unit)}"
    return text + (f" (n = {n})" if n is not None else "")
