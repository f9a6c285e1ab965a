"""What all verbs share: their flags, their help, and how an error becomes one line and an exit status."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

if TYPE_CHECKING:
    from trainband.results.store import Store

VERBS = {
    "list": "models, profiles, cells, suites, data sets, or the reference results",
    "doctor": "what this machine can train, and why not the rest",
    "data": "prepare, verify or list data sets",
    "run": "train one cell once",
    "sweep": "train and judge many cells",
    "nightly": "a night for a scheduler: sweep, canaries, history and its confirmations within a budget",
    "regressions": "what history found: list, acknowledge, ignore, accept or fix",
    "calibrate": "train many seeds of a cell and write its band",
    "check": "judge stored runs again, without training",
    "show": "one run in full",
    "replay": "train a stored run again in its own environment: bit-exact, within noise, or different",
    "diff": "where two runs part: inputs, then stage and step",
    "notebook": "the process of a run as an executable notebook",
    "gate": "may a candidate environment ship: bits, quality and speed against a baseline",
    "attribute": "the packages, releases or fields that make the difference between two sides",
    "audit": "plant faults, and say which of them this installation finds",
    "variance": "how far the metrics scatter when one factor varies",
    "report": "write the static HTML pages",
    "serve": "the pages as a live view on this machine, written again as results come in",
    "export": "what was judged as JUnit, Markdown, CSV, Parquet, TensorBoard, MLflow, MLPerf and more",
}
USAGE = 2
INFRASTRUCTURE = 3
INTERRUPTED = 130
LARGEST_SEED = 2**63 - 1  # the index keeps seeds as 64-bit integers


class UsageError(ValueError):
    """A command line that cannot be carried out as given."""


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb of the command line.

    Attributes:
      define: adds the verb's own flags.
      run: carries it out with the parsed flags and the words that are no flags; returns the exit status.
    """

    summary: str
    example: str
    define: Callable[[flags.FlagValues], None]
    run: Callable[[Any, list[str]], int]
    words: str = ""


def define_store(values: flags.FlagValues) -> None:
    """The flags of verbs that read or write results."""
    flags.DEFINE_string("store", "trainband-results", "Directory that keeps the results.", flag_values=values)
    flags.DEFINE_string(
        "index",
        os.environ.get("TRAINBAND_INDEX"),
        "SQLAlchemy URL of the database for the index; SQLite inside the store by default.",
        flag_values=values,
    )


def define_training(values: flags.FlagValues) -> None:
    """The flags of verbs that train cells."""
    define_retraining(values)
    flags.DEFINE_multi_string(
        "fault", [], "Plant a fault in each run, to see it found; a wrong name lists them all.", flag_values=values
    )


def define_retraining(values: flags.FlagValues) -> None:
    """The flags of verbs that train anything, faults aside."""
    define_store(values)
    define_data(values)
    flags.DEFINE_string("bands", None, "Directory of band files; the committed ones by default.", flag_values=values)
    define_seconds("time_limit", "Seconds a run may take; the recipe's by default.", 1e-3, values)


def define_seconds(name: str, text: str, minimum: float, values: flags.FlagValues) -> None:
    """A flag of seconds, `minimum` at least; None where it is not given."""
    flags.DEFINE_float(name, None, text, minimum, flag_values=values)
    flags.register_validator(
        name, lambda value: value is None or not math.isnan(value), "must be a number", flag_values=values
    )


def seconds_of(flag: str, text: str) -> float:
    """The time that a flag names, such as 90s, 30m or 2h; raises UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if found is None:
        raise UsageError(f"--{flag}={text}: no time such as 90s, 30m or 2h")
    return float(found[1]) * {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}[found[2]]


def define_judge_throughput(values: flags.FlagValues) -> None:
    """The flag that lets speed decide the exit status; quality alone does otherwise."""
    flags.DEFINE_boolean(
        "judge_throughput", False, "Exit with status 1 where a cell's throughput is slower.", flag_values=values
    )


def with_throughput(status: int, words: Mapping[str, str]) -> int:
    """`status`, made 1 by a slower cell where nothing of higher precedence stands."""
    return 1 if status in (0, 4) and "slower" in words.values() else status


def one_cell(words: list[str]) -> str:
    """The cell that a verb of one cell was given."""
    if len(words) != 1:
        raise UsageError(f"give one cell, such as cnn_digits:smoke@cpu; found {len(words)} words")
    return words[0]


def check_required(names: list[str], profiles: Collection[str]) -> None:
    """Raise UsageError for a profile of `--require` that does not exist."""
    for name in names:
        if name not in profiles:
            raise UsageError(f"--require={name}: no such profile; `trainband list profiles` shows them")


def define_data(values: flags.FlagValues) -> None:
    """Where data come from."""
    flags.DEFINE_string(
        "mirror",
        os.environ.get("TRAINBAND_DATA_MIRROR"),
        "Directory of original archives, one folder a data set; no network is used then.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data_dir", os.environ.get("TRAINBAND_DATA_DIR"), "TFDS data_dir that is prepared already.", flag_values=values
    )


def open_store(values: Any, *, create: bool) -> Store:
    """The store that the flags name; raises StoreError or UsageError."""
    from trainband.results.store import Store, parse_store_location

    try:
        root = parse_store_location(values.store)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return Store(root, values.index, create=create)


def optional_path(text: str | None) -> Path | None:
    """The path that a flag names, if it names one."""
    return Path(text).expanduser() if text else None


def run_verb(name: str, verb: Verb, arguments: list[str]) -> int:
    """Parse and carry out one verb. A user's mistake is one line on standard error, never a traceback."""
    values = flags.FlagValues()
    flags.DEFINE_boolean("help", False, "Show this text.", short_name="h", flag_values=values)
    flags.DEFINE_boolean("json", False, "Print JSON for machines.", flag_values=values)
    verb.define(values)
    try:
        words = values([f"trainband {name}", *_dashed(arguments)])[1:]
    except flags.Error as error:
        return _complain(name, str(error), USAGE)
    if values.help:
        print(_verb_help(name, verb, values))
        return 0
    try:
        return verb.run(values, words)
    except KeyboardInterrupt:
        print(f"trainband {name}: interrupted; what was recorded is kept", file=sys.stderr)
        return INTERRUPTED
    except _mistakes() as error:
        return _complain(name, _message(error), USAGE)
    except _infrastructure() as error:
        return _complain(name, _message(error), INFRASTRUCTURE)


def _dashed(arguments: list[str]) -> list[str]:
    """`--time-limit` means `--time_limit`, as users of other tools write it."""
    changed = []
    for argument in arguments:
        head, equals, tail = argument.partition("=")
        changed.append((head[:2] + head[2:].replace("-", "_") if head.startswith("--") else head) + equals + tail)
    return changed


def _complain(name: str, message: str, status: int) -> int:
    print(f"trainband {name}: {' '.join(message.split())}", file=sys.stderr)
    return status


def _message(error: BaseException) -> str:
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error)


def _mistakes() -> tuple[type[BaseException], ...]:
    from trainband.benchmarks.cells import CellError
    from trainband.benchmarks.checkpoints import CheckpointError
    from trainband.benchmarks.environments.locks import RequirementError
    from trainband.benchmarks.suites import SuiteError
    from trainband.models.catalog import CatalogError
    from trainband.platforms.profiles import ProfileError
    from trainband.results.history.regressions import RegressionError
    from trainband.results.store import RunNotFound
    from trainband.results.waivers import WaiverError

    return (
        *(UsageError, CellError, RequirementError, SuiteError, CatalogError, ProfileError),
        *(RunNotFound, WaiverError, CheckpointError, RegressionError),
    )


def _infrastructure() -> tuple[type[BaseException], ...]:
    from trainband.benchmarks.calibrate import CalibrationError
    from trainband.benchmarks.data.cache import DataError
    from trainband.benchmarks.environments.uv import EnvironmentFailure
    from trainband.benchmarks.replay.replay import ReplayError
    from trainband.platforms.interpreters import InterpreterError
    from trainband.results.codec import CodecError
    from trainband.results.store import StoreError

    ours = (StoreError, DataError, EnvironmentFailure, ReplayError, InterpreterError, CalibrationError, CodecError)
    return (*ours, OSError)


def general_help() -> str:
    """The text of `trainband --help`."""
    width = max(map(len, VERBS))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in VERBS.items()]
    return "\n".join(
        [
            "usage: trainband VERB [WORDS] [--flags]",
            "",
            "Train reference models from scratch on many platforms and judge them against calibrated bands.",
            "",
            *lines,
            "",
            "`trainband VERB --help` shows a verb's flags with an example.",
        ]
    )


def _verb_help(name: str, verb: Verb, values: flags.FlagValues) -> str:
    lines = [f"usage: trainband {name} {verb.words}".rstrip(), "", verb.summary, "", f"example: {verb.example}", ""]
    for flag_name in sorted(values):
        flag = values[flag_name]
        if flag_name != flag.name:
            continue
        secret = flag.name in ("index", "notify")  # such a URL may hold a password
        default = "" if secret or flag.value in (None, [], False) else f" (default: {flag.value})"
        value = "" if flag.flag_type() == "bool" else "=..."
        lines.append(f"  --{flag.name.replace('_', '-')}{value}\n      {flag.help}{default}")
    return "\n".join(lines)
