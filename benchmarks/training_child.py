"""A spec trained in a child of its own: spec out, answer in. Every death of a child is an outcome."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path

from trainband.benchmarks.child_environment import child_environment
from trainband.benchmarks.children import ChildPool, Exit
from trainband.benchmarks.fork_server import LOG_FILE
from trainband.benchmarks.run_spec import ANSWER_FILE, SPEC_FILE, Answer, RunSpec, answer_from_json, to_json
from trainband.benchmarks.staging import stage
from trainband.platforms.profiles import Profile
from trainband.results.codec import CodecError
from trainband.results.records import Failure, Measurement, Outcome
from trainband.results.store_errors import explained

LOG_TAIL_CHARACTERS = 4000


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came back; `answer` is None where the child left none that can be read."""

    outcome: Outcome
    failure: Failure | None
    answer: Answer | None

    @property
    def measurement(self) -> Measurement | None:
        """What a run that went well measured."""
        return self.answer.measurement if self.answer is not None and self.failure is None else None


def environment_of(profile: Profile, cache_root: Path) -> dict[str, str]:
    """The variables of a child of `profile`; stages the package and makes an empty Keras home where there is none."""
    keras_home = cache_root / "keras_home"
    keras_home.mkdir(parents=True, exist_ok=True)
    return child_environment(profile, os.environ, stage=stage(cache_root), keras_home=keras_home)


def train_in_child(
    folder: Path,
    spec: RunSpec,
    *,
    pool: ChildPool,
    python: str,
    environ: Mapping[str, str],
    time_limit_sec: float,
) -> Trained:
    """Train `spec` under the interpreter `python`; the child leaves what it writes in `folder`.

    Raises:
      StoreError: the spec cannot be written.
      KeyboardInterrupt: the child is dead.
    """
    kills = _oom_kills()
    with explained("write the spec to", folder):
        (folder / SPEC_FILE).write_text(to_json(spec), encoding="utf-8")
    ended = pool.run(
        folder, python=python, backend=spec.profile.backend, environ=environ, time_limit_sec=time_limit_sec
    )
    answer = read_answer(folder / ANSWER_FILE, spec.run_id)
    outcome, failure = classify(ended, answer, limit_sec=time_limit_sec, out_of_memory=_oom_kills() > kills)
    return Trained(outcome=outcome, failure=failure, answer=answer if isinstance(answer, Answer) else None)


def read_answer(path: Path, run_id: str) -> Answer | str:
    """The child's answer, or one sentence that says why there is none."""
    try:
        answer = answer_from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "the child left no answer"
    except (OSError, UnicodeDecodeError, JSONDecodeError, CodecError) as error:
        return f"the child's answer cannot be read: {error}"
    if answer.run_id != run_id:
        return f"the child answered for run {answer.run_id!r}"
    return answer


def classify(
    ended: Exit, answer: Answer | str, *, limit_sec: float, out_of_memory: bool
) -> tuple[Outcome, Failure | None]:
    """What a child's end and answer come to; a total function."""
    if ended.timed_out:
        return "timeout", Failure(kind="timeout", message=f"the run was stopped at its time limit of {limit_sec:g} s")
    if ended.signal is not None:
        name = _signal_name(ended.signal)
        if out_of_memory:
            message = f"killed by {name}: the kernel ran out of memory"
            return "error", Failure(kind="out_of_memory", message=message, signal=name)
        return "error", Failure(kind="killed", message=f"the child was killed by {name}", signal=name)
    if ended.status != 0:
        message = f"the child ended with exit status {ended.status}; the end of its log says why"
        return "error", Failure(kind="crash", message=message, exit_status=ended.status)
    if isinstance(answer, str):
        return "error", Failure(kind="no_answer", message=answer, exit_status=ended.status)
    return ("completed", None) if answer.failure is None else ("error", answer.failure)


def reason_of(failure: Failure, log: str) -> str:
    """Why a run failed, with the last line that a child said which crashed or was killed."""
    said = log.strip().splitlines()
    if failure.kind not in ("crash", "killed") or not said:
        return failure.message
    return f"{failure.message.partition(';')[0]}: {said[-1].strip()}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # the real-time signals have no names


def _oom_kills() -> int:
    """How often the kernel has killed for lack of memory since it started; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def log_tail(folder: Path) -> str:
    """The end of what the child said; empty where it said nothing that can be read."""
    try:
        said = (folder / LOG_FILE).read_bytes()
    except OSError:
        return ""
    return said[-LOG_TAIL_CHARACTERS:].decode(errors="replace").replace("\x00", "\ufffd")
