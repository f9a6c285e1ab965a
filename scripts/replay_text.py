"""A receipt as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from trainband.benchmarks.environments.recorded import Source
from trainband.benchmarks.replay.receipt import Answer, Receipt
from trainband.diff_text import diff_text
from trainband.results.agreement import MetricAgreement
from trainband.tables import significant

SIGNS: dict[Answer, str] = {"bit-exact": "✓", "within noise": "≈", "different": "✗"}
SOURCES: dict[Source, str] = {
    "recorded": "the interpreter that the run was recorded with",
    "present": "the present interpreter, which has the recorded packages",
    "rebuilt": "built from the recorded versions",
}


def replay_text(receipt: Receipt, python: str) -> str:
    """The two runs compared as `diff` does, A being the recorded one, and the receipt with its reasons."""
    compared = diff_text([receipt.run, receipt.replay], receipt.inputs, receipt.trajectory)
    lines = [compared, "", f"environment   {SOURCES[receipt.environment]}: {python}", *_metrics(receipt)]
    lines += [f"because       {reason}" for reason in receipt.reasons]
    return "\n".join([*lines, f"receipt       {SIGNS[receipt.answer]} {receipt.answer}"])


def _metrics(receipt: Receipt) -> Iterator[str]:
    if receipt.answer == "bit-exact":
        return
    for metric in receipt.metrics:
        values = " | ".join(significant(value) for value in metric.values)
        word = "within" if metric.within else "beyond"
        yield f"{metric.name:<13} {values}: {_apart(metric)} apart, {word} what fresh seeds are in 95%"


def _apart(metric: MetricAgreement) -> str:
    if metric.scale == "log":
        return f"{metric.difference:.3%} of {metric.limit:.3%}"
    return f"{significant(metric.difference, 3)} of {significant(metric.limit, 3)}"
