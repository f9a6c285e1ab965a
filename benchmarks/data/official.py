"""Data sets by way of the official TensorFlow Datasets builders. Runs in the preparing child only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainband.benchmarks.data.archives import Archive, check_mirror, check_reachable
from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.readers.registry import read
from trainband.benchmarks.data.sources import ways_out
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset

if TYPE_CHECKING:
    from trainband.benchmarks.data.child import Request


def arrays(request: Request) -> dict[str, AnyArray]:
    """The arrays of a TFDS data set by name, as its reader makes them.

    Raises:
      DataError: an archive is missing or wrong, a server out of reach, a download failed.
    """
    import tensorflow_datasets as tfds

    dataset = request.dataset
    tfds.disable_progress_bar()
    if request.way == "data_dir":
        return read(dataset, _builder(dataset, request.source))
    builder = _builder(dataset, request.work / "prepared")
    archives = _archives(dataset, builder)
    if request.source is None:
        check_reachable(dataset.name, archives, ways_out=ways_out(dataset))
    else:
        check_mirror(dataset.name, request.source, archives)
    _prepare(dataset, builder, manual_dir=request.source, work=request.work)
    return read(dataset, builder)


def _builder(dataset: Dataset, data_dir: Path | None) -> Any:
    import tensorflow_datasets as tfds

    return tfds.builder(f"{dataset.tfds_name}:{dataset.version}", data_dir=data_dir)


def _archives(dataset: Dataset, builder: Any) -> dict[str, Archive]:
    return {
        url: Archive(url=url, filename=info.filename, size=int(info.size), sha256=info.checksum)
        for url, info in (builder.url_infos or {}).items()
        if not dataset.archives or info.filename in dataset.archives
    }


def _prepare(dataset: Dataset, builder: Any, *, manual_dir: Path | None, work: Path) -> None:
    """Build with TFDS's checksums in force, in folders of this data set alone.

    TFDS reuses extracted files by their archive's name, and MNIST and Fashion-MNIST have the same names.
    """
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

    config = tfds.download.DownloadConfig(
        manual_dir=manual_dir,
        extract_dir=work / "extracted",
        force_checksums_validation=True,
        compute_stats=tfds.download.ComputeStatsMode.SKIP,
        try_download_gcs=False,
    )
    try:
        builder.download_and_prepare(download_dir=work / "downloads", download_config=config)
    except NonMatchingChecksumError as error:
        raise DataError(f"data set {dataset.name!r}: {error}") from error
    except (OSError, tfds.download.DownloadError) as error:
        raise DataError(f"data set {dataset.name!r}: not prepared ({error}); {ways_out(dataset)}") from error
