"""Entry of the process that prepares one data set: the libraries that this takes are never imported by the parent.

    python -P -m trainband.benchmarks.data.child ANSWER_FILE

The request is one line of JSON on stdin, the answer a JSON file; stdout and stderr are the log. At the end of stdin,
which comes with the parent's own end, the process ends at once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.sources import Way
from trainband.benchmarks.data.write import write_arrays
from trainband.benchmarks.digests import AnyArray
from trainband.models.dataset_spec import Dataset
from trainband.results.codec import decode, encode


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the child shall do.

    Attributes:
      way: where the data come from.
      source: the prepared TFDS data_dir, or the folder of original archives.
      work: an empty folder for downloads and extracted files.
      out: an existing folder for arrays and manifest.
    """

    dataset: Dataset
    way: Way
    source: Path | None
    work: Path
    out: Path

    def to_json(self) -> str:
        paths = {name: None if path is None else str(path) for name, path in self._paths().items()}
        return json.dumps({"dataset": encode(self.dataset), "way": self.way, **paths})

    def _paths(self) -> dict[str, Path | None]:
        return {"source": self.source, "work": self.work, "out": self.out}

    @classmethod
    def from_json(cls, line: str) -> Request:
        document = json.loads(line)
        return cls(
            dataset=decode(Dataset, document["dataset"]),
            way=document["way"],
            source=None if document["source"] is None else Path(document["source"]),
            work=Path(document["work"]),
            out=Path(document["out"]),
        )


def main() -> None:
    """Answer with `{"error": null}` or the message of a foreseen error; any other is a traceback in the log."""
    answer = Path(sys.argv[1])
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        request = Request.from_json(stdin.readline().decode())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    error = None
    try:
        arrays = _arrays(request)
        write_arrays(request.dataset, arrays, request.out, provenance=_provenance(request))
    except DataError as failure:
        error = str(failure)
    except ModuleNotFoundError as failure:
        error = (
            f"data set {request.dataset.name!r}: preparing it takes the module {_missing(failure)!r}, "
            f"which {sys.executable} does not have; install it there"
        )
    answer.write_text(json.dumps({"error": error}), encoding="utf-8")


def _missing(failure: ModuleNotFoundError) -> str:
    """The module's name; TFDS raises its own error from the one that has it."""
    error: BaseException | None = failure
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name
        error = error.__cause__ or error.__context__
    return str(failure)


def _arrays(request: Request) -> dict[str, AnyArray]:
    if request.way == "embedded":
        from trainband.benchmarks.data import embedded

        return embedded.arrays(request.dataset)
    from trainband.benchmarks.data import official

    return official.arrays(request)


def _provenance(request: Request) -> dict[str, str]:
    library = "sklearn" if request.way == "embedded" else "tensorflow_datasets"
    return {"way": request.way, library: str(sys.modules[library].__version__)}


def _die_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
