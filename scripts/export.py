"""`trainband export`: what the store holds, in the formats of other tools."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from trainband.command_line import UsageError, Verb, define_store, open_store, optional_path

if TYPE_CHECKING:
    from trainband.results.exports.formats import Written

_STANDARD_OUTPUT = "-"


def define(values: flags.FlagValues) -> None:
    """Flags of `export`."""
    define_store(values)
    text = "Export this sweep, what it has not judged included; by default what stands for each cell."
    flags.DEFINE_string("sweep", None, text, flag_values=values)
    flags.DEFINE_string("since", None, "Export all that was judged since this day or time (UTC).", flag_values=values)
    text = "File or folder to write; `exports/FORMAT` in the store by default; `-` is standard output."
    flags.DEFINE_string("out", None, text, flag_values=values)


def run(values: Any, words: list[str]) -> int:
    """Write one format, and say where and what it has no place for."""
    from trainband.results.exports.collect import export_rows
    from trainband.results.exports.formats import text_of, write
    from trainband.results.exports.rows import ExportError

    name = _format(words)
    since = _since(values)
    if values.out == _STANDARD_OUTPUT and values.json:
        raise UsageError("--out=- prints the export itself; leave --json out")
    store = open_store(values, create=False)
    try:
        rows = export_rows(store, sweep_id=values.sweep, since=since)
        if values.out == _STANDARD_OUTPUT:
            sys.stdout.write(text_of(name, rows))
            return 0
        out = optional_path(values.out) or store.root / "exports" / name
        if not values.out or values.out.endswith("/"):
            out.mkdir(parents=True, exist_ok=True)
        written = write(name, rows, out)
    except ExportError as error:
        raise UsageError(str(error)) from error
    _print(values, name, written)
    return 0


def _format(words: list[str]) -> str:
    from trainband.results.exports.formats import FORMATS

    if len(words) == 1 and words[0] in FORMATS:
        return words[0]
    known = "; ".join(f"{name} ({chosen.summary})" for name, chosen in FORMATS.items())
    found = f"no format {' '.join(words)!r}" if words else "give a format"
    raise UsageError(f"{found}; there are {known}")


def _since(values: Any) -> str | None:
    from trainband.results.index_rows import utc_text

    if values.since is None:
        return None
    if values.sweep is not None:
        raise UsageError(f"--since={values.since} and --sweep={values.sweep}: give one of them")
    try:
        return utc_text("--since", values.since)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _print(values: Any, name: str, written: Written) -> None:
    if values.json:
        from trainband.results.codec import encode

        print(json.dumps({"format": name, **encode(written), "files": [str(path) for path in written.files]}, indent=1))
        return
    for path in written.files:
        print(path)
    if written.left_out:
        told = ", ".join(f"{count} {verdict}" for verdict, count in written.left_out.items())
        print(f"trainband export: left out, as {name} describes runs alone: {told}", file=sys.stderr)


VERB = Verb(
    summary="Write what was judged as junit, markdown, csv, parquet, tensorboard, mlflow, perfzero, tfbenchmark, mlperf, figures,\n"
    "github-action-benchmark or slack. Trains nothing and judges nothing again.",
    example="trainband export junit --sweep=20261123T085100-quick-1f2e3d --out=trainband.xml",
    define=define,
    run=run,
    words="FORMAT",
)
