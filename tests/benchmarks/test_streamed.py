"""Images that stay in TFDS's files: prepared, cut, decoded and trained on, on real JPEG files in ImageNet's form."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trainband.benchmarks.children import Exit, run_directly
from trainband.benchmarks.data import state
from trainband.benchmarks.data.cache import DataCorruptError, DataError, load
from trainband.benchmarks.data.child import Request
from trainband.benchmarks.data.spawn import run_child
from trainband.benchmarks.fork_server import LOG_FILE
from trainband.benchmarks.run_spec import (
    ANSWER_FILE,
    SPEC_FILE,
    Answer,
    RunSpec,
    answer_from_json,
    planned_examples,
    to_json,
)
from trainband.models.catalog import find_model
from trainband.models.datasets import dataset
from trainband.models.specs import Recipe, Schedule
from trainband.platforms.profiles import find_profile
from trainband.results.codec import encode

TRAIN, TEST, COPIES = 240, 80, 3
ROW = replace(
    dataset("imagenet2012"), input_shape=(8, 8, 1), classes=10, n_train=TRAIN, n_test=TEST, shared_rows=COPIES
)
DIGITS_CNN = find_model("cnn_digits")
RECIPE = replace(
    DIGITS_CNN.recipe("smoke"),
    tier="full",
    epochs=4,
    batch_size=16,
    schedule=Schedule(kind="constant", peak=0.02),
    augmentation="random_resized_crop_flip",
)
PROFILES = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}
pytestmark = [
    pytest.mark.backend("tensorflow"),
    pytest.mark.backend("tensorflow_datasets"),
]


@pytest.fixture(scope="module")
def data_dir(frameworks: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TFDS data_dir that TFDS itself wrote."""
    folder = tmp_path_factory.mktemp("tfds")
    frameworks("tensorflow").result("photographs.py", "make", folder=str(folder), train=TRAIN, test=TEST)
    return folder


def prepared(data_dir: Path, root: Path, **changes: Any) -> Path:
    """The cache's root, after the preparing child has read `data_dir`."""
    out = root / "data" / ROW.name / ROW.version
    work = root / "work"
    for folder in (out, work):
        folder.mkdir(parents=True)
    request = Request(dataset=replace(ROW, **changes), way="data_dir", source=data_dir, work=work, out=out)
    run_child(request, log=root / "log.txt", limit=120.0)
    return root


@pytest.fixture(scope="module")
def root(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(data_dir, tmp_path_factory.mktemp("cache"))


def spec_of(root: Path, backend: str, recipe: Recipe = RECIPE, **changes: Any) -> RunSpec:
    spec = RunSpec(
        run_id="the-run",
        model=replace(DIGITS_CNN, dataset=ROW.name, recipes=(recipe,)),
        tier="full",
        profile=find_profile(PROFILES[backend]),
        seed=5,
        dataset=ROW,
        cache_root=str(root),
        planned_examples=planned_examples(recipe, TRAIN),
        submitted_at=time.time(),
    )
    return replace(spec, **changes)


def answer_of(spec: RunSpec, folder: Path, environ: dict[str, str]) -> Answer:
    folder.mkdir(exist_ok=True)
    (folder / SPEC_FILE).write_text(to_json(spec))
    ended = run_directly(folder, python=sys.executable, environ=environ, time_limit_sec=300.0)
    assert ended == Exit(status=0), (folder / LOG_FILE).read_text()
    return answer_from_json((folder / ANSWER_FILE).read_text())


def test_the_places_hold_the_files_that_tfds_reads(
    root: Path, data_dir: Path, frameworks: Callable[[str], Any]
) -> None:
    arrays = load(ROW, root).arrays
    for split, name in (("train", "train"), ("test", "validation")):
        stored = frameworks("tensorflow").result("photographs.py", "stored", folder=str(data_dir), split=name)
        places, shards = arrays[f"{split}_places"], arrays[f"{split}_shards"]
        contents = [
            Path(shards[shard]).read_bytes()[first : first + length] for shard, first, length in places[:, :3].tolist()
        ]
        assert [hashlib.sha256(content).hexdigest() for content in contents] == stored["digests"]
        assert [bytes(row).hex() for row in arrays[f"{split}_inputs"]] == stored["digests"]
        assert arrays[f"{split}_labels"].tolist() == stored["labels"]
        assert places[:, 3:].tolist() == stored["sizes"]


def test_what_identifies_the_data_is_what_the_files_hold_not_where_they_lie(
    root: Path, data_dir: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(data_dir, moved)
    elsewhere = load(ROW, prepared(moved, tmp_path / "cache"))
    here = load(ROW, root)
    assert elsewhere.arrays["train_shards"][0] != here.arrays["train_shards"][0]
    assert elsewhere.digest == here.digest


def test_another_number_of_rows_is_refused(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"split train of .* has 240 rows, not 1281167"):
        prepared(data_dir, tmp_path, n_train=1_281_167)


def test_a_damaged_record_is_refused_by_its_checksum(
    data_dir: Path, tmp_path: Path, flip: Callable[[Path, int], None]
) -> None:
    copy = tmp_path / "tfds"
    shutil.copytree(data_dir, copy)
    (file,) = copy.rglob("*train.tfrecord*")
    flip(file, file.stat().st_size // 2)
    with pytest.raises(DataError, match=r"train\.tfrecord-00000-of-00001 cannot be read"):
        prepared(copy, tmp_path / "cache")


def test_a_crop_in_its_own_size_has_the_pixels_of_the_whole_image(root: Path, frameworks: Callable[[str], Any]) -> None:
    row = replace(ROW, input_shape=(24, 24, 3))
    found = frameworks("tensorflow").result("photographs.py", "crops", dataset=encode(row), cache_root=str(root))
    # At a crop's edge the decoder interpolates colours without the pixel beyond it.
    assert len(found) == 40
    assert max(found) <= 12


@pytest.mark.slow
def test_three_backends_train_on_equal_batches_and_name_what_they_were_fed(
    root: Path, tmp_path: Path, child_environ: Callable[[str], dict[str, str]]
) -> None:
    pytest.importorskip("jax")
    pytest.importorskip("torch")
    data = load(ROW, root)
    batches, final = set(), {}
    for backend, profile in PROFILES.items():
        answer = answer_of(spec_of(root, backend), tmp_path / backend, child_environ(profile))
        found = answer.measurement
        assert found is not None, answer.failure
        assert found.trained_examples == found.planned_examples == 4 * TRAIN
        assert found.quality.evaluation.digest == data.split_digests["test"]
        assert found.data.shared_rows == COPIES
        assert answer.versions["tensorflow"]
        batches.add(found.batches_digest)
        final[backend] = found.quality.metrics["accuracy"].value
        assert final[backend] > max(0.5, found.quality.untrained["accuracy"])
    assert len(batches) == 1


def test_a_file_that_was_cut_short_ends_the_run_with_its_name(
    data_dir: Path, tmp_path: Path, child_environ: Callable[[str], dict[str, str]]
) -> None:
    copy = tmp_path / "tfds"
    shutil.copytree(data_dir, copy)
    root = prepared(copy, tmp_path / "cache")
    (file,) = copy.rglob("*validation.tfrecord*")
    file.write_bytes(file.read_bytes()[:-5000])
    cut = answer_of(spec_of(root, "tensorflow"), tmp_path / "cut", child_environ("cpu")).failure
    assert cut is not None
    assert cut.kind == "data"
    assert "validation.tfrecord-00000-of-00001 ends before byte" in cut.message


def test_verifying_reads_every_file(
    data_dir: Path, tmp_path: Path, flip: Callable[[Path, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "dataset", lambda name: ROW)
    copy = tmp_path / "tfds"
    shutil.copytree(data_dir, copy)
    root = prepared(copy, tmp_path / "cache")
    (healthy,) = state.verify([ROW.name], root)
    assert (healthy.state, healthy.problem) == ("prepared", None)
    _, offset, *_ = load(ROW, root).arrays["test_places"][7].tolist()
    (file,) = copy.rglob("*validation.tfrecord*")
    flip(file, offset + 900)
    assert state.status([ROW.name], root)[0].state == "prepared"
    (damaged,) = state.verify([ROW.name], root)
    assert damaged.state == "corrupt"
    assert "validation.tfrecord-00000-of-00001 holds another image 7 of split test" in str(damaged.problem)
    file.unlink()
    (gone,) = state.verify([ROW.name], root)
    assert "is gone; run `trainband data prepare imagenet2012 --force --data-dir=DIR`" in str(gone.problem)


def test_an_array_of_the_index_that_was_changed_is_refused(
    root: Path, tmp_path: Path, flip: Callable[[Path, int], None]
) -> None:
    copy = tmp_path / "cache"
    shutil.copytree(root, copy)
    flip(copy / "data" / ROW.name / ROW.version / "train_places.npy", 200)
    with pytest.raises(DataCorruptError, match="train_places"):
        load(ROW, copy)


def test_the_same_seed_gives_the_same_batches_and_a_later_start_the_rest(
    root: Path, frameworks: Callable[[str], Any]
) -> None:
    def checksums(seed: int, first: int) -> list[int]:
        asked = {"dataset": encode(ROW), "recipe": encode(RECIPE), "cache_root": str(root), "seed": seed}
        return frameworks("tensorflow").result("photographs.py", "checksums", first=first, **asked)

    whole = checksums(1, 0)
    assert len(whole) == TRAIN // 16
    assert checksums(1, 4) == whole[4:]
    assert checksums(1, TRAIN // 16) == []
    assert not set(checksums(2, 0)) & set(whole)
