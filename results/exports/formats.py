"""The formats by name, and writing one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainband.results.exports import (
    github_action_benchmark,
    junit,
    markdown,
    mlflow,
    mlperf,
    perfzero,
    print_figures,
    slack,
    tables,
    tensorboard,
    tfbenchmark,
)
from trainband.results.exports.rows import ExportError, ExportRow, was_trained
from trainband.results.files import atomic_write_bytes

Rows = Sequence[ExportRow]


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """A format of files that are a function of the rows alone, and replace those of an earlier export.

    Attributes:
      render: rows -> relative path -> content.
      text: it is one text file, so that it can go to a terminal or a pipe.
      file: it is one file, so that `--out` names it.
      takes: whether it has a place for a row; the others are counted and told.
    """

    summary: str
    render: Callable[[Rows], Mapping[str, bytes]]
    text: bool = False
    file: bool = False
    takes: Callable[[ExportRow], bool] = lambda row: True

    def write(self, rows: Rows, out: Path) -> list[Path]:
        """Each file appears whole or not at all."""
        contents = self.render(rows)
        alone = self.file and not out.is_dir()
        targets = {out if alone else out / path: content for path, content in contents.items()}
        for path, content in targets.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                atomic_write_bytes(path, content)
            except OSError as error:
                why = error.strerror or error
                raise OSError(f"cannot write {path}: {why}; make room there, or give another path in --out") from error
        return list(targets)


@dataclass(frozen=True, kw_only=True)
class DatabaseFormat:
    """A format that adds to what stands in a folder."""

    summary: str
    append: Callable[[Rows, Path], list[Path]]
    takes: Callable[[ExportRow], bool] = lambda row: True

    def write(self, rows: Rows, out: Path) -> list[Path]:
        """The database's transactions keep it whole."""
        return self.append(rows, out)


FORMATS: Mapping[str, FileFormat | DatabaseFormat] = {
    "junit": FileFormat(summary="JUnit XML for CI servers", render=junit.render, text=True, file=True),
    "markdown": FileFormat(summary="Markdown for a job summary", render=markdown.render, text=True, file=True),
    "csv": FileFormat(summary="a table, a line a metric", render=tables.render_csv, text=True, file=True),
    "parquet": FileFormat(summary="the same table, typed", render=tables.render_parquet, file=True),
    "tensorboard": FileFormat(summary="event files", render=tensorboard.render, takes=was_trained),
    "mlflow": DatabaseFormat(summary="runs in a local MLflow database", append=mlflow.append, takes=was_trained),
    "perfzero": FileFormat(summary="PerfZero's JSON summary of each run", render=perfzero.render, takes=was_trained),
    "tfbenchmark": FileFormat(
        summary="tf.test.Benchmark's BenchmarkEntries as JSON", render=tfbenchmark.render, text=True, file=True
    ),
    "mlperf": FileFormat(summary="MLPerf log lines of each run", render=mlperf.render, takes=was_trained),
    "github-action-benchmark": FileFormat(summary="its two custom JSON files", render=github_action_benchmark.render),
    "figures": FileFormat(summary="verdicts and speeds as SVG and PNG, for print", render=print_figures.render),
    "slack": FileFormat(summary="a chat message for an incoming webhook", render=slack.render, text=True, file=True),
}


@dataclass(frozen=True, kw_only=True)
class Written:
    """What an export made. `left_out`: verdict -> rows that the format has no place for."""

    files: Sequence[Path]
    rows: int
    left_out: Mapping[str, int]


def write(name: str, rows: Rows, out: Path) -> Written:
    """Write the format.

    Args:
      out: the file of a format of one file, unless it is a folder; the folder of the others.

    Raises:
      ExportError: the format has no place for any row, or its package is not installed.
      OSError: the disk refuses.
    """
    taken = _taken(name, rows)
    left_out = Counter[str](row.verdict for row in rows if not FORMATS[name].takes(row))
    return Written(files=FORMATS[name].write(taken, out), rows=len(taken), left_out=left_out)


def text_of(name: str, rows: Rows) -> str:
    """The one text file of a format.

    Raises:
      ExportError: the format is not one text file, or has no place for any row.
    """
    chosen = FORMATS[name]
    if not isinstance(chosen, FileFormat) or not chosen.text:
        texts = [each for each, other in FORMATS.items() if isinstance(other, FileFormat) and other.text]
        raise ExportError(f"{name} needs a path in --out; to standard output go {', '.join(texts)}")
    (content,) = chosen.render(_taken(name, rows)).values()
    return content.decode()


def _taken(name: str, rows: Rows) -> list[ExportRow]:
    found = [row for row in rows if FORMATS[name].takes(row)]
    if not found:
        words = ", ".join(dict.fromkeys(row.verdict for row in rows))
        raise ExportError(f"{name} describes runs, and none of the {len(rows)} cells asked for has one: {words}")
    return found
