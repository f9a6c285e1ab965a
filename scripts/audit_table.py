"""An audit as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainband.results.audits import Audit, Share
from trainband.tables import plain_table


def audit_rows(audit: Audit) -> list[dict[str, Any]]:
    """One row for each fault on each cell, stage by stage."""
    return [
        {
            "fault": row.fault,
            "stage": row.stage,
            "cell": _short(row.cell),
            "layer": row.layer or "-",
            "seen by the verdict": "-" if row.no_place else _share(row.seen),
            "stage named": f"no place: {row.no_place}" if row.no_place else _share(row.named, limits=False),
            "layer named": _share(row.layers_named, limits=False),
            "diff says": _counts(row.causes),
        }
        for row in audit.faults
    ]


def audit_text(audit: Audit) -> str:
    """The table, what the healthy runs showed, and the sum of it."""
    lines = [plain_table(audit_rows(audit)), ""]
    for cell in audit.cells:
        lines.append(
            f"{cell.cell}: diff parts {cell.alarms.count} of {cell.alarms.n} pairs of healthy runs; "
            f"the verdict is not pass in {_share(cell.outside)} of them"
        )
    placed = [row for row in audit.faults if row.named is not None]
    named = sum(row.named.whole for row in placed if row.named is not None)
    lines.append(f"diff names the stage in every run of {named} of {len(placed)} faults with a place")
    return "\n".join(lines)


def _short(cell: str) -> str:
    return cell.partition("@")[0]


def _share(found: Share | None, *, limits: bool = True) -> str:
    """`3 of 10 [0.07, 0.65]`; a dash where nothing can be told."""
    if found is None:
        return "-"
    return f"{found.count} of {found.n}" + (f" [{found.lower:.2f}, {found.upper:.2f}]" if limits else "")


def _counts(counts: Mapping[str, int]) -> str:
    if len(counts) < 2:
        return "".join(counts)
    return ", ".join(f"{what} ({count})" for what, count in counts.items())
