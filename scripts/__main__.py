"""The front door: `trainband VERB ...`."""

from __future__ import annotations

import importlib
import sys

from trainband.command_line import INTERRUPTED, VERBS, Verb, general_help, run_verb
from trainband.interrupts import outlive_finalizers
from trainband.pipes import outlive_readers


def entry(arguments: list[str] | None = None) -> int:
    """Run one verb; the return value is the exit status."""
    if arguments is None:
        outlive_readers()
        outlive_finalizers()
    try:
        return _entry(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        print("trainband: interrupted", file=sys.stderr)
        return INTERRUPTED


def _entry(given: list[str]) -> int:
    if not given or given[0] in ("help", "--help", "-h"):
        print(general_help())
        return 0 if given else 2
    if given[0] in ("--version", "version"):
        print(f"trainband {importlib.import_module('trainband').__version__}")
        return 0
    name = given[0]
    if name not in VERBS:
        import difflib

        near = difflib.get_close_matches(name, VERBS, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        print(f"trainband: no verb {name!r}{hint}; there are {', '.join(VERBS)}", file=sys.stderr)
        return 2
    verb: Verb = importlib.import_module(f"trainband.{name}").VERB
    return run_verb(name, verb, given[1:])


if __name__ == "__main__":
    sys.exit(entry())
