"""Traces and receipts in short, for the pages of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainband.benchmarks.run_spec import RECEIPT_FILE, TRACE_FILE
from trainband.benchmarks.trace.files import Trace, TraceError, read_trace
from trainband.results.codec import CodecError
from trainband.results.pages.run_extras import Rows, RunExtras, TraceFacts

if TYPE_CHECKING:
    from trainband.benchmarks.replay.receipt import Receipt

POINTS = 400


def run_extras(folder: Path) -> RunExtras:
    """What the run in `folder` left beside its record."""
    path = folder / TRACE_FILE
    try:
        trace = read_trace(path)
    except TraceError as error:
        return RunExtras(no_trace=str(error), receipt=_receipt(folder / RECEIPT_FILE))
    return RunExtras(trace=_facts(trace, path.stat().st_size), receipt=_receipt(folder / RECEIPT_FILE))


def _facts(trace: Trace, size: int) -> TraceFacts:
    begins = np.unique(np.linspace(0, trace.steps, min(POINTS, trace.steps), endpoint=False, dtype=int))
    header = trace.header
    rates = trace.learning_rates
    facts = {
        "Steps": f"{trace.steps:,}",
        "Looks at the whole state": f"{len(trace.state_steps)}, of {len(header.tensors)} tensors each",
        "Learning rate": f"{rates.min():.4g} to {rates.max():.4g}" if trace.steps else "none",
        "Hyper-parameters in force": ", ".join(f"{name} {value:g}" for name, value in header.hyper_parameters.items()),
        "CPU seconds that the looks took": f"{header.state_cpu_sec:.3g}",
        "Size of the file": f"{size / 1024:.0f} KiB",
    }
    return TraceFacts(
        steps=tuple(map(int, begins)),
        losses=_means(trace.losses, begins),
        gradient_norms=_means(trace.gradient_norms, begins),
        facts=tuple((name, text) for name, text in facts.items() if text),
    )


def _means(values: np.ndarray, begins: np.ndarray) -> tuple[float | None, ...]:
    if not len(values):
        return ()
    counts = np.diff([*begins, len(values)])
    means = np.add.reduceat(values.astype(np.float64), begins) / counts
    return tuple(float(mean) if np.isfinite(mean) else None for mean in means)


def _receipt(path: Path) -> Rows:
    """Few runs have one: what reads it is imported with the first."""
    if not path.exists():
        return ()
    from trainband.benchmarks.replay.receipt import receipt_from_json

    try:
        receipt = receipt_from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, CodecError) as error:
        return (("Receipt", f"cannot be read: {error}"),)
    return tuple((name, text) for name, text in _rows(receipt).items() if text)


def _rows(receipt: Receipt) -> dict[str, str]:
    trajectory = receipt.trajectory
    divergence = trajectory.divergence if trajectory is not None else None
    return {
        "Replay of": receipt.run,
        "Answer": receipt.answer,
        "Environment": receipt.environment,
        "Why it is not exact": _listed(receipt.reasons),
        "Where the two part": divergence.says if divergence is not None else "",
        "Not given alike": _listed([f"{each.group} {each.name}" for each in receipt.inputs]),
    }


def _listed(texts: Sequence[str]) -> str:
    return "; ".join(texts)
