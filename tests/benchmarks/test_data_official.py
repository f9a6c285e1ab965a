"""The official builders, at work on the original archives: slow, and only where these are at hand."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from trainband.benchmarks.data import cache
from trainband.benchmarks.data.prepare import PreparationError, prepare
from trainband.benchmarks.data.rows import shared_rows
from trainband.models.dataset_spec import Dataset
from trainband.models.datasets import DATASETS

pytestmark = pytest.mark.slow

IMAGES = "t10k-images-idx3-ubyte.gz"


def folder_named_by(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"NOT TESTED: set {variable} to {what}")
    return Path(value).absolute()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder_named_by("TRAINBAND_DATA_MIRROR", "a folder of original archives (mnist/, fashion_mnist/, ...)")
    for variable in ("TRAINBAND_DATA_MIRROR", "TRAINBAND_DATA_DIR"):
        monkeypatch.delenv(variable, raising=False)
    return path


@pytest.fixture
def copied_mirror(mirror: Path, tmp_path: Path) -> Path:
    """A mirror that the test may spoil."""
    copied = tmp_path / "mirror"
    for source in (mirror / "mnist").glob("*.gz"):
        (copied / "mnist").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copied / "mnist" / source.name)
    return copied


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all, so that data sets whose archives have equal names meet in it."""
    return tmp_path_factory.mktemp("cache")


def assert_as_the_catalog_says(row: Dataset, root: Path) -> None:
    data = cache.load(row, root)
    inputs, labels = data.arrays["train_inputs"], data.arrays["train_labels"]
    for split, count in (("train", row.n_train), ("test", row.n_test)):
        arrays = data.split(split)
        assert arrays["inputs"].shape == (count, *row.input_shape)
        assert arrays["inputs"].dtype == row.input_dtype
        assert arrays["labels"].shape == (count, *row.label_shape)
        assert arrays["labels"].dtype == np.int32
    assert np.array_equal(np.unique(labels), np.arange(row.classes))
    assert np.isin(data.test["labels"], labels).all()
    if row.input_maximum is None:
        assert np.isfinite(inputs).all()
    else:
        assert inputs.min() == 0 <= data.test["inputs"].min()
        assert inputs.max() == row.input_maximum >= data.test["inputs"].max()
    assert shared_rows(inputs, data.test["inputs"]) == row.shared_rows


@pytest.mark.parametrize(
    "name",
    [
        # Fashion-MNIST is read as MNIST is.
        pytest.param(row.name, marks=[pytest.mark.nightly] if row.name == "fashion_mnist" else [])
        for row in DATASETS.values()
        if row.mirror_folder
    ],
)
def test_a_mirror_of_original_archives_gives_the_arrays_of_the_catalog(mirror: Path, root: Path, name: str) -> None:
    row = DATASETS[name]
    folder = mirror / str(row.mirror_folder)
    if not folder.is_dir():
        pytest.skip(f"NOT TESTED: TRAINBAND_DATA_MIRROR has no folder {row.mirror_folder}")
    [result] = prepare([name], mirror=mirror, root=root)
    assert (result.outcome, str(result.source)) == ("prepared", f"mirror {folder}")
    assert_as_the_catalog_says(row, root)
    left = {path.name for path in result.path.parent.iterdir()}
    assert left == {result.version, f"{result.version}.lock"}


@pytest.mark.parametrize("name", [row.name for row in DATASETS.values() if row.tfds_name and not row.mirror_folder])
def test_a_prepared_data_dir_gives_the_arrays_of_the_catalog(root: Path, name: str) -> None:
    row = DATASETS[name]
    held = f"{row.tfds_name}/{row.version}"
    data_dir = folder_named_by("TRAINBAND_DATA_DIR", f"a TFDS data_dir that holds {held}")
    if not (data_dir / held).is_dir():
        pytest.skip(f"NOT TESTED: TRAINBAND_DATA_DIR does not hold {held}")
    [result] = prepare([name], data_dir=data_dir, root=root)
    assert str(result.source) == f"data_dir {data_dir}"
    assert_as_the_catalog_says(row, root)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda good: good[:1000] + bytes([good[1000] ^ 1]) + good[1001:], f"{IMAGES} is not the original archive"),
        (lambda good: good[:-1], f"{IMAGES} is not the original archive"),
        (lambda good: b"<!DOCTYPE html><title>Not found</title>", f"{IMAGES} is a web page, not the archive"),
        (None, f"lacks {IMAGES}"),
    ],
    ids=["one bit", "truncated", "web page", "absent"],
)
def test_a_spoilt_mirror_is_found_at_once_and_nothing_is_cached(
    copied_mirror: Path, tmp_path: Path, harm: Callable[[bytes], bytes] | None, message: str
) -> None:
    archive = copied_mirror / "mnist" / IMAGES
    if harm is None:
        archive.unlink()
    else:
        archive.write_bytes(harm(archive.read_bytes()))
    started = time.monotonic()
    with pytest.raises(PreparationError, match=message):
        prepare(["mnist"], mirror=copied_mirror, root=tmp_path)
    assert time.monotonic() - started < 15
    assert not list((tmp_path / "data" / "mnist").glob("3.0.1/*"))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """What an HTTP proxy, standing for the network, answers by file name; Fashion-MNIST's addresses are plain http."""
    files: dict[str, bytes] = {}

    class Proxy(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET(body=False)

        def do_GET(self, *, body: bool = True) -> None:
            content = files.get(self.path.rpartition("/")[2])
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if body:
                self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for variable in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    yield files
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.nightly
def test_the_network_gives_the_arrays_of_the_catalog(mirror: Path, served: dict[str, bytes], tmp_path: Path) -> None:
    served.update({path.name: path.read_bytes() for path in (mirror / "fashion_mnist").glob("*.gz")})
    [result] = prepare(["fashion_mnist"], root=tmp_path)
    assert str(result.source) == "network"
    cache.load(DATASETS["fashion_mnist"], tmp_path)


def test_a_web_page_from_the_network_is_no_archive(mirror: Path, served: dict[str, bytes], tmp_path: Path) -> None:
    served.update({path.name: b"<html>Sign in</html>" for path in (mirror / "fashion_mnist").glob("*.gz")})
    with pytest.raises(PreparationError, match="wrong checksum"):
        prepare(["fashion_mnist"], root=tmp_path)
    assert not list((tmp_path / "data" / "fashion_mnist").glob("3.0.1/*"))


def test_without_a_network_the_message_names_the_other_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("tensorflow_datasets") is None:
        pytest.skip("NOT TESTED: tensorflow-datasets is not installed")
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("TRAINBAND_DATA_MIRROR", "TRAINBAND_DATA_DIR"):
        monkeypatch.delenv(variable, raising=False)
    started = time.monotonic()
    with pytest.raises(PreparationError, match=r"cannot reach https://.*--data-dir DIR.*--mirror DIR"):
        prepare(["mnist"], root=tmp_path)
    assert time.monotonic() - started < 15
