"""What a gate's reports say of a cell, in words; the same in each of their forms."""

from __future__ import annotations

import shlex

from trainband.results.gate.cell_outcomes import CellOutcome
from trainband.results.gate.gates import Finding, Gate, GateCell
from trainband.results.gate.quality import MetricTest

NOTHING = "-"


def moved_words(row: GateCell) -> str:
    """`rounding only: forward step 0, conv0 output, 5.8e-08`; a dash where nothing did."""
    finding = row.finding
    if finding is None:
        return NOTHING
    return f"{finding.moved or 'not told'}: {place_words(finding)}"


def place_words(finding: Finding) -> str:
    """Stage, step, layer, tensor and size of the first difference.

    A step that is compiled as a whole may part where none of its layers does by itself.
    """
    stage = finding.stage if finding.step is None else f"{finding.stage} step {finding.step}"
    tensor = " ".join(part for part in (finding.layer, finding.tensor) if part)
    if not tensor and finding.step is not None and finding.distances:
        tensor = "as compiled, in no layer by itself"
    size = "" if finding.size is None else f"{finding.size:.1e}"
    return ", ".join(part for part in (stage, tensor, size) if part)


def speed_words(outcome: CellOutcome) -> str:
    """`cpu x 1.003 [0.991, 1.015], wall ...`; a dash where nothing was timed."""
    told = [
        f"{test.basis} x {test.ratio:.3f}" + ("" if test.lower is None else f" [{test.lower:.3f}, {test.upper:.3f}]")
        for test in outcome.speed
        if test.ratio is not None
    ]
    return ", ".join(told) or NOTHING


def seen_words(row: GateCell, outcome: CellOutcome) -> str:
    """The least losses that the pairs would have shown, by metric; any, where they are bit-equal; a dash where none ran."""
    if row.pairs and all(pair.bit_equal for pair in row.pairs):
        return "any"
    return ", ".join(_seen(test) for test in outcome.metrics if test.smallest_loss_found is not None) or NOTHING


def _seen(test: MetricTest) -> str:
    loss = test.smallest_loss_found or 0.0
    shown = f"{100 * loss:.2g}%" if test.scale == "log" else f"{loss:.2g}"
    return f"{test.metric} {shown}"


def next_step(gate: Gate, outcome: CellOutcome) -> str:
    """The command that looks for the packages to blame; empty where nothing moved, or nothing trains."""
    row = next(each for each in gate.cells if each.cell == outcome.cell)
    if outcome.outcome == "broken" or (outcome.outcome != "slower" and row.finding is None):
        return ""
    asked = [f"--baseline={word}" for word in gate.baseline.asked]
    asked += [f"--candidate={word}" for word in gate.candidate.asked]
    by = {"regressed": ["--by=quality"], "slower": [f"--by={_lost_basis(outcome)}_speed"]}.get(outcome.outcome, [])
    as_of = [f"--as-of={gate.as_of}"] if gate.as_of else []
    return shlex.join(["trainband", "attribute", outcome.cell, *asked, *as_of, *by])


def _lost_basis(outcome: CellOutcome) -> str:
    """What speed was lost by; CPU seconds, which take less time to ask, where both were."""
    return next((test.basis for test in outcome.speed if (test.ratio or 1.0) < 1.0 - test.margin), "cpu")


def cost_rows(row: GateCell) -> list[tuple[str, str, str]]:
    """(what, baseline's median, candidate's) of what runs cost besides the training."""
    if len(row.costs) < 2:
        return []
    ours, theirs = row.costs["baseline"], row.costs["candidate"]
    return [
        ("start-up", f"{ours.startup_sec:.1f} s", f"{theirs.startup_sec:.1f} s"),
        ("compilation", f"{ours.compile_sec:.2f} s", f"{theirs.compile_sec:.2f} s"),
        ("peak memory", f"{ours.peak_host_bytes / 2**20:.0f} MiB", f"{theirs.peak_host_bytes / 2**20:.0f} MiB"),
    ]
