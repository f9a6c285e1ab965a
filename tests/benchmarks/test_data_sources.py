from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from trainband.benchmarks.data.archives import Archive, check_mirror, check_reachable
from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.sources import Source, choose, named_folder
from trainband.models.dataset_spec import Dataset
from trainband.models.datasets import CIFAR10, DIGITS, MNIST, dataset

ARCHIVE = Archive(url="https://example.org/a.gz", filename="a.gz", size=5, sha256=hashlib.sha256(b"right").hexdigest())


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A TFDS data_dir that looks as if it held CIFAR-10."""
    folder = tmp_path / "tfds" / "cifar10" / "3.0.2"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text("{}")
    return tmp_path / "tfds"


@pytest.mark.parametrize(
    ("row", "mirror", "data", "way"),
    [
        (DIGITS, True, True, "embedded"),
        (CIFAR10, False, True, "data_dir"),
        (CIFAR10, True, True, "data_dir"),
        (MNIST, True, True, "mirror"),
        (MNIST, False, True, "network"),
        (CIFAR10, False, False, "network"),
    ],
    ids=lambda value: value.name if isinstance(value, Dataset) else str(value),
)
def test_the_first_source_that_serves_is_taken(
    row: Dataset, mirror: bool, data: bool, way: str, data_dir: Path, tmp_path: Path
) -> None:
    chosen = choose(row, mirror=tmp_path if mirror else None, data_dir=data_dir if data else None)
    assert chosen.way == way


def test_a_mirror_is_a_folder_for_each_data_set(tmp_path: Path) -> None:
    assert choose(MNIST, mirror=tmp_path, data_dir=None) == Source(way="mirror", folder=tmp_path / "mnist")


def test_cifar10_from_a_mirror_is_refused_and_names_data_dir(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'cifar10' is not served from a mirror.*--data-dir.*holds cifar10/3\.0\.2"):
        choose(CIFAR10, mirror=tmp_path, data_dir=None)


def test_a_flag_goes_before_its_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_VARIABLE", str(tmp_path / "absent"))
    assert named_folder(tmp_path, flag="--flag", variable="SOME_VARIABLE") == tmp_path
    with pytest.raises(DataError, match=r"SOME_VARIABLE '.*absent': no such folder"):
        named_folder(None, flag="--flag", variable="SOME_VARIABLE")
    with pytest.raises(DataError, match="--flag 'nowhere': no such folder"):
        named_folder("nowhere", flag="--flag", variable="SOME_VARIABLE")


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(KeyError, match=r"no data set 'cifar'; the catalog has 'digits', .*did you mean 'cifar10'"):
        dataset("cifar")


def test_a_mirror_with_the_registered_archives_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"right")
    check_mirror("thing", tmp_path, {ARCHIVE.url: ARCHIVE})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"wrong", r"a\.gz is not the original archive: 5 bytes"),
        (b"righ", r"a\.gz is not the original archive: 4 bytes"),
        (b"<!DOCTYPE html><title>Sign in</title>", r"a\.gz is a web page, not the archive"),
    ],
    ids=["flipped", "truncated", "web page"],
)
def test_a_wrong_archive_is_named_with_both_hashes_and_its_address(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        check_mirror("thing", tmp_path, {ARCHIVE.url: ARCHIVE})
    for part in (hashlib.sha256(content).hexdigest(), ARCHIVE.sha256, ARCHIVE.url):
        assert part in str(caught.value)


def test_an_absent_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks a\.gz"):
        check_mirror("thing", tmp_path, {ARCHIVE.url: ARCHIVE})


def test_a_server_out_of_reach_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(DataError, match=r"cannot reach https://example\.org/a\.gz .*; give something else"):
        check_reachable("thing", {ARCHIVE.url: ARCHIVE}, ways_out="give something else")
    assert time.monotonic() - started < 5
