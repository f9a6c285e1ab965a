"""Checkpoints: a run that is killed goes on to the same bit; and a file is whole, or is refused with its reason."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.cells import Cell, find_cell
from trainband.benchmarks.checkpoints import (
    HISTORY,
    STEP_HISTORY,
    Checkpoint,
    CheckpointError,
    Part,
    Place,
    read_checkpoint,
    read_place,
    refuse_other,
    verified_place,
    write_checkpoint,
)
from trainband.benchmarks.diff.trajectory import compare_traces
from trainband.benchmarks.keeping import CheckpointKeeper
from trainband.benchmarks.resuming import asked_of, kept, unfinished_seed
from trainband.benchmarks.run_spec import Keeping, RunSpec, planned_examples
from trainband.benchmarks.trace.files import read_trace
from trainband.models.catalog import find_model, load_catalog
from trainband.models.datasets import DIGITS
from trainband.platforms.profiles import find_profile, load_profiles
from trainband.results.checkpoint_folders import CHECKPOINT_FILE, held
from trainband.results.records import CurvePoint, FactorSeeds, Record
from trainband.results.store import Store, StoreError

MODELS, PROFILES = load_catalog(), load_profiles()
MODEL = find_model("cnn_digits")
BACKENDS = {"tensorflow": "cpu_deterministic", "jax": "cpu_deterministic_jax", "torch": "cpu_deterministic_torch"}
each_backend = pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=pytest.mark.backend(name)) for name in BACKENDS]
)
NO_SEEDS = FactorSeeds()
WRITER = """
import sys
from pathlib import Path
import numpy as np
from trainband.benchmarks.checkpoints import HISTORY, STEP_HISTORY, Checkpoint, Place, write_checkpoint
for step in range(10**9):
    history = {name: np.full(step if name in STEP_HISTORY else 1, step, np.uint32) for name in HISTORY}
    write_checkpoint(
        Path(sys.argv[1]),
        Checkpoint(
            place=Place(identity={}, content={}, initial_digest="", untrained={}, step=step),
            variables=[np.full((300, 300), step, np.float32) for _ in range(4)],
            optimizer=[np.array(step)],
            generators={"g": np.array([step])},
            history=history,
        ),
    )
"""


def small_checkpoint(**identity: str) -> Checkpoint:
    """After two steps."""
    rows = dict.fromkeys(STEP_HISTORY, 2)
    place = Place(
        identity=identity,
        content={"data digest": "d" * 64},
        initial_digest="a" * 64,
        untrained={"accuracy": 0.1, "log_loss": float("inf")},
        step=2,
        examples=64,
        resumed_at_steps=(1,),
        parts=(Part(first_step_sec=0.5, eval_sec=(0.25, 0.125)),),
        curve=(CurvePoint(epoch=1, step=1, train_loss=2.0, metrics={"accuracy": 0.5}),),
    )
    return Checkpoint(
        place=place,
        variables=[np.float32([[1.0, -0.0], [np.nan, 2.0]]), np.float32([3.0])],
        optimizer=[np.array(7), np.float32(0.5)],
        generators={"torch_cpu": np.arange(5, dtype=np.uint8)},
        history={name: np.arange(rows.get(name, 1), dtype=np.uint32) for name in HISTORY},
    )


def same(a: Checkpoint, b: Checkpoint) -> bool:
    arrays = [
        [*each.variables, *each.optimizer, *each.generators.values(), *(each.history[name] for name in HISTORY)]
        for each in (a, b)
    ]
    pairs = list(zip(*arrays, strict=True))
    return (
        a.place == b.place
        and list(a.generators) == list(b.generators)
        and all(x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes() for x, y in pairs)
    )


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / CHECKPOINT_FILE
    write_checkpoint(path, small_checkpoint(seed="5"))
    return path


# The file


def test_a_checkpoint_comes_back_as_it_was_written(stored: Path) -> None:
    assert same(read_checkpoint(stored), small_checkpoint(seed="5"))
    assert read_place(stored) == verified_place(stored) == small_checkpoint(seed="5").place
    assert [path.name for path in stored.parent.iterdir()] == [CHECKPOINT_FILE]


def test_a_torn_or_corrupt_checkpoint_is_refused_or_read_as_it_was(stored: Path) -> None:
    whole, expected = stored.read_bytes(), small_checkpoint(seed="5")
    rng, refused = random.Random(1), 0
    torn = [whole[:size] for size in (0, 1, len(whole) // 2, len(whole) - 1)]
    flipped = []
    for _ in range(400):
        content = bytearray(whole)
        content[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        flipped.append(bytes(content))
    for content in torn + flipped:
        stored.write_bytes(content)
        for read in (read_checkpoint, verified_place):
            try:
                found = read(stored)
            except CheckpointError:
                refused += 1
            else:
                assert content not in torn
                assert found == expected.place if isinstance(found, Place) else same(found, expected)
    stored.write_bytes(torn[0])
    with pytest.raises(CheckpointError, match=f"no readable checkpoint: .*; remove {stored.parent} to begin anew"):
        read_checkpoint(stored)
    assert refused > 400  # what is left is in places of a zip archive that say nothing


def test_a_checkpoint_of_another_version_is_refused(stored: Path) -> None:
    newer = small_checkpoint()
    write_checkpoint(stored, replace(newer, place=replace(newer.place, version=2)))
    with pytest.raises(CheckpointError, match="checkpoint version 2; this trainband reads version 1"):
        read_checkpoint(stored)


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(stored: Path) -> None:
    refuse_other(stored, {"seed": "5"}, {"seed": "5"})
    with pytest.raises(
        CheckpointError, match="another run: package keras was none and is 3, seed was 5 and is 6; bring"
    ):
        refuse_other(stored, {"seed": "5"}, {"seed": "6", "package keras": "3"})


def test_a_checkpoint_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    rng, steps = random.Random(2), []
    path = tmp_path / "checkpoints" / "key" / CHECKPOINT_FILE
    path.parent.mkdir(parents=True)
    for _ in range(6):
        before = path.stat().st_ino if path.exists() else None
        with subprocess.Popen([sys.executable, "-P", "-c", WRITER, str(path)]) as writer:
            while not path.exists() or path.stat().st_ino == before:
                time.sleep(0.001)
            time.sleep(rng.random() / 20)
            writer.send_signal(signal.SIGKILL)
        found = read_checkpoint(path)
        step = found.place.step
        arrays = [*found.variables, *found.optimizer, *found.generators.values(), *found.history.values()]
        assert all((array == step).all() for array in arrays)
        steps.append(step)
    assert max(steps) > 1


def test_what_killed_writers_leave_is_removed(tmp_path: Path, stored: Path) -> None:
    store, here = Store(tmp_path / "store"), tmp_path / "store" / "checkpoints"
    for key in ("whole", "empty", "held"):
        (here / key).mkdir(parents=True)
        (here / key / f".{CHECKPOINT_FILE}.0123456789ab.tmp").write_bytes(b"half")
    stored.rename(here / "whole" / CHECKPOINT_FILE)
    with held(store.root, "held") as folder:
        assert [path.name for path in folder.iterdir()] == ["lock"]
        store.sweep_leftovers()
        assert sorted(str(path.relative_to(here)) for path in here.rglob("*")) == [
            *("held", "held/lock", "whole", f"whole/{CHECKPOINT_FILE}", "whole/lock")
        ]
    store.close()
    assert [path.name for path in here.iterdir()] == ["whole"]


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(
    small_disk: Path, fill: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    path, filler = small_disk / CHECKPOINT_FILE, small_disk / "filler"
    large = replace(small_checkpoint(seed="large"), variables=[np.zeros(1 << 16)])
    made = iter([small_checkpoint(seed="small"), large, large, large])
    keeper = CheckpointKeeper(path, 0.0, lambda: next(made))
    keeper.keep()
    fill(filler)
    keeper.keep()
    keeper.keep()
    assert same(read_checkpoint(path), small_checkpoint(seed="small"))
    assert capsys.readouterr().err.count("No space left on device; the run goes on without it") == 1
    assert sorted(each.name for each in small_disk.iterdir()) == [CHECKPOINT_FILE, "filler"]
    filler.unlink()
    keeper.keep()
    assert read_place(path) == large.place


def test_a_checkpoint_is_due_when_its_time_has_passed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    keeper = CheckpointKeeper(tmp_path / CHECKPOINT_FILE, 60.0, small_checkpoint)
    seen = []
    for now[0] in (100.0, 159.0, 160.0, 219.0, 220.0):
        seen.append(keeper.due())
        if keeper.due():
            keeper.keep()
    assert seen == [False, False, True, False, True]


# Whose it is


def test_one_process_is_at_a_run(tmp_path: Path) -> None:
    cell = find_cell("cnn_digits:smoke@cpu", MODELS, PROFILES)
    asked = asked_of(cell, 5, (), NO_SEEDS)
    steps: list[int | None] = []
    with kept(tmp_path, asked, {}, every_sec=1.0, on_resume=steps.append) as keeping:
        write_checkpoint(Path(keeping.path), small_checkpoint(**keeping.identity))
        assert unfinished_seed(tmp_path, cell, (), NO_SEEDS) is None
        with (
            pytest.raises(StoreError, match="this run is in progress"),
            kept(tmp_path, asked, {}, every_sec=1.0, on_resume=steps.append),
        ):
            pass
    assert unfinished_seed(tmp_path, cell, (), NO_SEEDS) == 5
    assert unfinished_seed(tmp_path, cell, ("untrained",), NO_SEEDS) is None
    assert unfinished_seed(tmp_path, cell, (), FactorSeeds(draws=1)) is None
    assert unfinished_seed(tmp_path, find_cell("cnn_digits:smoke@cpu_jax", MODELS, PROFILES), (), NO_SEEDS) is None
    with kept(tmp_path, asked, {}, every_sec=1.0, on_resume=steps.append) as keeping:
        Path(keeping.path).unlink()
    assert steps == [None, 2]
    assert list((tmp_path / "checkpoints").iterdir()) == []


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
def test_a_child_refuses_what_its_parent_could_not_know(frameworks: Any, digits_root: str, stored: Path) -> None:
    recipe = replace(MODEL.recipe("smoke"), epochs=1)
    spec = RunSpec(
        run_id="the-run",
        model=replace(MODEL, recipes=(recipe,)),
        tier="smoke",
        profile=find_profile("cpu_deterministic"),
        seed=5,
        dataset=DIGITS,
        cache_root=digits_root,
        planned_examples=planned_examples(recipe, DIGITS.n_train),
        submitted_at=0.0,
        keeping=Keeping(path=str(stored), every_sec=60.0, identity={"seed": "5"}),
    )
    answer = frameworks("tensorflow").result("training.py", "answer", spec=spec, again=0)
    assert answer["measurement"] is None
    assert answer["failure"]["kind"] == "checkpoint"
    assert f"is of another run: data digest was {'d' * 64} and is " in answer["failure"]["message"]


# Killed in earnest


def cell_of(profile: str, **recipe: Any) -> Cell:
    """Convolutions with batch normalisation and dropout, under a recipe of momentum and cosine."""
    changed = replace(MODEL.recipe("smoke"), **recipe)
    return Cell(model=replace(MODEL, recipes=(changed,)), recipe=changed, profile=find_profile(profile))


class Killer:
    """Kills the child of `lab` once its checkpoint has passed a step."""

    def __init__(self, lab: Any, after: int) -> None:
        self._lab, self._after = lab, after
        self._thread = threading.Thread(target=self._work)
        self.step = 0

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _work(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            for path in (self._lab.store.root / "checkpoints").glob(f"*/{CHECKPOINT_FILE}"):
                self.step = read_place(path).step
                if self.step > self._after:
                    [child] = self._lab.children()
                    os.kill(child.pid, signal.SIGKILL)
                    return
            time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "kills"),
    [
        pytest.param("tensorflow", (50, 100), marks=pytest.mark.backend("tensorflow")),
        pytest.param("jax", (100,), marks=[pytest.mark.backend("jax"), pytest.mark.nightly]),
        pytest.param("torch", (50,), marks=[pytest.mark.backend("torch"), pytest.mark.nightly]),
    ],
)
def test_a_run_that_was_killed_ends_as_one_that_was_not(lab: Any, backend: str, kills: tuple[int, ...]) -> None:
    """Killed in the second epoch, and among the separately synchronised steps, which are 88 to 137."""
    cell = cell_of(BACKENDS[backend], epochs=4)

    def run(**runner: Any) -> Record:
        record: Record = lab.run(seed=21, cell=cell, time_limit_sec=600.0, **runner)
        return record

    reached = []
    for after in kills:
        with Killer(lab, after=after) as killer:
            record = run(checkpoint_every_sec=0.0)
        assert record.failure is not None, "it ended before it was killed"
        assert record.failure.signal == "SIGKILL"
        reached.append(killer.step)
    with pytest.raises(CheckpointError, match="recipe batch_size was 32 and is 16; bring that back, or remove"):
        lab.run(seed=21, cell=cell_of(BACKENDS[backend], epochs=4, batch_size=16), checkpoint_every_sec=0.0)
    ended, whole = run(checkpoint_every_sec=60.0), run()
    assert (ended.failure, whole.failure) == (None, None)
    assert list((lab.store.root / "checkpoints").iterdir()) == []

    ours, theirs = ended.measurement, whole.measurement
    assert ours is not None
    assert theirs is not None
    assert theirs.resumed_at_steps == ()
    for earlier, resumed, later in zip(reached, ours.resumed_at_steps, [*reached[1:], 176], strict=True):
        assert earlier <= resumed < later
    for part in ("weights", "quality", "steps", "batches_digest", "first_loss", "data", "recipe_hash"):
        assert getattr(ours, part) == getattr(theirs, part), part
    assert ours.trained_examples == ours.planned_examples == 176 * 32
    traces = [read_trace(lab.store.run_path(record.run_id) / "trace.npz") for record in (ended, whole)]
    assert compare_traces(*traces).first == {}
    assert list(traces[0].state_steps) == list(traces[1].state_steps)
    assert traces[0].header.generators == traces[1].header.generators


@each_backend
def test_what_a_framework_draws_itself_goes_on_as_it_would_have(frameworks: Any, backend: str) -> None:
    profile = find_profile(BACKENDS[backend])
    whole, resumed, careless = frameworks(backend).result("observed.py", "own_draws", profile=profile)
    assert resumed == whole
    assert careless != whole
