"""The judgement: the verdict on a cell as a document of its own, which names the records and the band it is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainband.results.codec import decode_document, encode

JUDGEMENT_VERSION = 1

Verdict = Literal[
    "pass",
    "fail_low",
    "fail_high",
    "diverged",
    "error",
    "timeout",
    "no_band",
    "undecided",
    "waived",
    "skipped",
]

SIGNS: Mapping[Verdict, str] = {
    "pass": "✓",
    "fail_low": "▼",
    "fail_high": "▲",
    "diverged": "✗",
    "error": "!",
    "timeout": "⧖",
    "no_band": "○",
    "undecided": "?",
    "waived": "~",
    "skipped": "-",
}


@dataclass(frozen=True, kw_only=True)
class MetricJudgement:
    """How one metric of the triggering run lies to its band, and what the fresh runs said where they were asked.

    Attributes:
      fresh_mean: mean of the fresh runs in the metric's unit (geometric on a log scale).
      confirm_bound: the 1% prediction bound that `fresh_mean` was compared with, on the side where `value` is outside.
    """

    name: str
    value: float
    lower: float
    upper: float
    lower_cannot_fail: bool
    upper_cannot_fail: bool
    inside: bool
    fresh_mean: float | None = None
    confirm_bound: float | None = None
    confirmed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class WaivedVerdict:
    """The verdict that a waiver stands in front of, and who answers for it until when."""

    verdict: Verdict
    owner: str
    reason: str
    until: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The verdict on a cell.

    Attributes:
      reason: one sentence; where a metric moved it names the metric, its value and its bounds.
      records: run ids: the triggering run first, then the fresh ones.
      in_sample: the triggering run is part of the band's own evidence, so it confirms nothing.
      needs_confirmation: two fresh seeds must be trained and judged together with the triggering run; whoever trains
        once only takes the verdict as it stands.
    """

    judgement_id: str
    created: str
    sweep_id: str | None
    cell: str
    verdict: Verdict
    reason: str
    notes: tuple[str, ...] = ()
    metrics: tuple[MetricJudgement, ...] = ()
    records: tuple[str, ...] = ()
    band_path: str | None = None
    band_digest: str | None = None
    in_sample: bool = False
    needs_confirmation: bool = False
    waived: WaivedVerdict | None = None
    version: int = field(default=JUDGEMENT_VERSION)

    @property
    def profile(self) -> str:
        return self.cell.partition("@")[2]


def skipped_judgement(
    *, judgement_id: str, created: str, cell: str, reason: str, sweep_id: str | None = None
) -> Judgement:
    """The judgement of a cell that was not trained because this host cannot."""
    return Judgement(
        judgement_id=judgement_id, created=created, sweep_id=sweep_id, cell=cell, verdict="skipped", reason=reason
    )


def judgement_to_json(judgement: Judgement) -> str:
    """The judgement as its file's text."""
    return json.dumps(encode(judgement), indent=1, sort_keys=True, allow_nan=False) + "\n"


def judgement_from_json(text: str) -> Judgement:
    """The judgement in `text`.

    Raises:
      CodecError: not JSON, a version that this release does not know, or keys that its version does not have.
    """
    return decode_document(Judgement, text, name="judgement", version=JUDGEMENT_VERSION)
