"""`trainband audit`: plant known faults, and say how many of them this installation sees and names."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from trainband.command_line import INFRASTRUCTURE, UsageError, Verb, define_retraining, optional_path

FOUND, MISSED = 0, 1
# Runs with faults are kept apart, in a store below the user's: no check and no page takes them for the cell's own.
RUNS = "audit"


def define(values: flags.FlagValues) -> None:
    """Flags of `audit`."""
    from trainband.benchmarks.audit import CELLS, QUARTERS

    define_retraining(values)
    flags.DEFINE_multi_string("cell", list(CELLS), "A cell of a deterministic profile.", flag_values=values)
    flags.DEFINE_multi_string(
        "fault", [], "Audit this fault alone, all by default; a wrong name lists them.", flag_values=values
    )
    flags.DEFINE_integer(
        "quarter", None, "Audit every fourth fault, from this one on.", 1, QUARTERS, flag_values=values
    )
    flags.DEFINE_integer("seeds", 10, "Runs of each fault on each cell.", 1, flag_values=values)
    flags.DEFINE_integer("jobs", 1, "One-thread runs at once.", 1, flag_values=values)
    flags.DEFINE_string(
        "out", None, "Directory for the evidence, audit.json; the store's by default.", flag_values=values
    )


def run(values: Any, words: list[str]) -> int:
    """Train what the store lacks; write the evidence and its figure, print the table."""
    from trainband.audit_table import audit_text
    from trainband.benchmarks.audit import AuditError
    from trainband.results.audits import AUDIT_FILE, write_audit
    from trainband.results.codec import encode
    from trainband.results.pages.audit_figure import write_audit_figure
    from trainband.session import NotHere, Session

    if words:
        raise UsageError(f"{words[0]!r}: name cells with --cell and faults with --fault")
    faults = _faults(values)
    session = Session(values)
    try:
        audit = _audit(values, session, faults)
    except (NotHere, AuditError) as error:
        print(f"trainband audit: {error}", file=sys.stderr)
        return INFRASTRUCTURE
    folder = optional_path(values.out) or session.store.root
    folder.mkdir(parents=True, exist_ok=True)
    write_audit(folder / AUDIT_FILE, audit)
    page = session.store.root / "audit.html"
    write_audit_figure(page, audit)
    if values.json:
        print(json.dumps(encode(audit), indent=1))
    else:
        print(audit_text(audit))
        print(f"evidence: {folder / AUDIT_FILE}\nfigure:   {page}\nruns:     {session.store.root / RUNS}")
    return FOUND if audit.passed else MISSED


def _audit(values: Any, session: Any, faults: Sequence[Any]) -> Any:
    from trainband.benchmarks.audit import CONTENDED, AuditExperiment
    from trainband.benchmarks.data.cache import cache_root
    from trainband.benchmarks.side_by_side import SideBySide
    from trainband.results.store import Store
    from trainband.session import say_waiting

    cells = [session.banded_cell(name) for name in dict.fromkeys(values.cell)]
    for cell in cells:
        if not cell.profile.deterministic:
            raise UsageError(
                f"--cell={cell.name}: profile {cell.profile.name} is not deterministic, so that healthy runs of one seed "
                "may part; take one such as cpu_deterministic"
            )
    session.check_bands(cells)
    store = Store(session.store.root / RUNS)
    store.sweep_leftovers()
    with SideBySide(
        store=store,
        cache_root=cache_root(),
        python=sys.executable,
        jobs=values.jobs,
        contended=CONTENDED,
        time_limit_sec=values.time_limit,
    ) as runners:
        experiment = AuditExperiment(
            cells=cells,
            faults=faults,
            seeds=range(values.seeds),
            store=store,
            bands=session.bands,
            runners=runners,
            cache_root=cache_root(),
            on_wait=say_waiting,
        )
        return experiment.run(lambda *progress: None if values.json else _say(*progress))


def _say(record: Any, done: int, total: int) -> None:
    fault = " ".join(record.faults) or "healthy"
    what = "no place" if record.failure else f"{record.wall_sec:.0f} s"
    print(f"[{done}/{total}] {record.cell} seed {record.seed}, {fault}: {what}", file=sys.stderr, flush=True)


def _faults(values: Any) -> Sequence[Any]:
    from trainband.benchmarks.audit import quarter
    from trainband.benchmarks.faults.registry import audited

    faults = {fault.name: fault for fault in audited()}
    for name in values.fault:
        if name not in faults:
            raise UsageError(f"--fault={name}: no fault of the audit; there are {', '.join(faults)}")
    chosen = [faults[name] for name in values.fault] or list(faults.values())
    return chosen if values.quarter is None else quarter(chosen, values.quarter)


VERB = Verb(
    summary="Train known faults beside healthy runs: how many does the band see, and does diff name the stage of each? "
    "Status 1 where diff misses one, or parts two healthy runs.",
    example="trainband audit --seeds=10 --jobs=2",
    define=define,
    run=run,
)
