"""Laws over every format, and each one's own reader."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import junitparser
import pytest
from mlperf_logging.compliance_checker import mlp_parser
from pyarrow import parquet

from trainband.results.exports import mlflow
from trainband.results.exports.formats import FORMATS, DatabaseFormat, FileFormat, text_of, write
from trainband.results.exports.rows import ExportError, ExportRow
from trainband.results.exports.slack import message
from trainband.results.exports.tables import COLUMNS

GOLDEN = Path(__file__).parents[2] / "golden" / "exports"
FILES = {name: each for name, each in FORMATS.items() if isinstance(each, FileFormat)}
JSON = ("perfzero", "tfbenchmark", "github-action-benchmark", "slack")

Rows = dict[str, ExportRow]


def rendered(name: str, rows: Rows) -> dict[str, bytes]:
    """What the format makes of the rows that it takes."""
    return dict(FILES[name].render([row for row in rows.values() if FILES[name].takes(row)]))


def only(name: str, rows: Rows) -> bytes:
    (content,) = rendered(name, rows).values()
    return content


def strict_json(content: bytes) -> Any:
    return json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def readable(path: str, content: bytes) -> str:
    """A file's name and what can be read of it as text."""
    if path.endswith(".parquet"):
        return str(parquet.read_table(io.BytesIO(content)).to_pylist())
    return f"{path}\n{content.decode('utf-8', 'replace')}"


# Laws


@pytest.mark.parametrize("name", FILES)
def test_no_format_hides_what_did_not_pass(name: str, rows: Rows) -> None:
    texts = [readable(path, content) for path, content in rendered(name, rows).items()]
    for row in rows.values():
        if FILES[name].takes(row) and row.result not in ("passed", "skipped"):
            names = (row.cell, row.run_id or row.cell)
            assert any(any(n in text for n in names) and row.verdict in text for text in texts), row.profile


@pytest.mark.parametrize("name", FILES)
def test_an_export_is_a_function_of_the_rows_and_its_files_appear_whole(name: str, rows: Rows, tmp_path: Path) -> None:
    contents = rendered(name, rows)
    assert contents == rendered(name, rows)
    out = tmp_path / "out"
    out.mkdir()
    written = write(name, list(rows.values()), out)
    assert {path.relative_to(out).as_posix(): path.read_bytes() for path in written.files} == contents
    assert sorted(path for path in out.rglob("*") if path.is_file()) == sorted(written.files)
    assert written.rows + sum(written.left_out.values()) == len(rows)
    if FILES[name].file:
        assert write(name, list(rows.values()), tmp_path / "named").files == [tmp_path / "named"]


@pytest.mark.parametrize("name", FILES)
def test_a_path_that_cannot_be_written_is_named_with_the_way_out(name: str, rows: Rows, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        OSError, match=rf"cannot write {tmp_path}/file/.*; make room there, or give another path in --out"
    ):
        write(name, list(rows.values()), tmp_path / "file" / "out")


@pytest.mark.parametrize("name", FILES)
def test_a_format_of_runs_refuses_rows_without_any(name: str, rows: Rows, tmp_path: Path) -> None:
    untrained = [rows["skipped"], rows["planned"]]
    if FILES[name].takes(rows["skipped"]):
        assert write(name, untrained, tmp_path).rows == 2
    else:
        with pytest.raises(ExportError, match=f"{name} describes runs, and none of the 2 cells"):
            write(name, untrained, tmp_path)


@pytest.mark.parametrize("name", JSON)
def test_numbers_that_are_none_never_break_a_json_reader(name: str, rows: Rows) -> None:
    for content in rendered(name, rows).values():
        strict_json(content)


@pytest.mark.parametrize("name", FORMATS)
def test_only_a_text_goes_to_standard_output(name: str, rows: Rows) -> None:
    chosen = FORMATS[name]
    if isinstance(chosen, FileFormat) and chosen.text:
        assert text_of(name, list(rows.values())).encode() == only(name, rows)
    else:
        with pytest.raises(ExportError, match=f"{name} needs a path in --out"):
            text_of(name, list(rows.values()))


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("mlflow", "mlflow.exceptions"),
        ("tensorboard", "tensorboard.compat.proto.event_pb2"),
        ("figures", "matplotlib"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(
    name: str, module: str, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExportError, match=rf".*: pip install 'trainband\[{name}\]'"):
        write(name, list(rows.values()), tmp_path)


# Readers


def test_a_junit_reader_sees_each_verdict_as_what_it_is(rows: Rows) -> None:
    [suite] = junitparser.JUnitXml.fromstring(only("junit", rows))
    found = {case.name.partition("@")[2]: (case, case.result) for case in suite}
    assert {
        profile: [(type(each).__name__, each.type) for each in result] for profile, (_, result) in found.items()
    } == {
        "pass": [],
        "in_sample": [("Failure", "in_sample")],
        "fail_low": [("Failure", "fail_low")],
        "fail_high": [("Failure", "fail_high")],
        "diverged": [("Failure", "diverged")],
        "error": [("Error", "error")],
        "timeout": [("Error", "timeout")],
        "no_band": [("Failure", "no_band")],
        "undecided": [("Failure", "undecided")],
        "waived": [("Skipped", "waived")],
        "skipped": [("Skipped", "skipped")],
        "required": [("Error", "skipped")],
        "planned": [("Failure", "planned")],
    }
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (13, 7, 3, 2)
    [failure] = found["fail_low"][1]
    assert failure.message.startswith(
        "fail_low: accuracy 0.9 below [0.92538, 0.97462], confirmed by the fresh mean 0.9"
    )
    assert "accuracy 0.95 fraction, band [0.92538, 0.97462]" in found["pass"][0].system_out
    assert found["pass"][0].time == 9.5
    assert "]]></system-out>" in found["error"][0].system_out


def test_repeats_of_a_cell_have_names_of_their_own_and_sweeps_a_suite_each(rows: Rows) -> None:
    first = rows["pass"]
    content = FILES["junit"].render([first, first, rows["skipped"], replace(first, sweep_id="another")])["junit.xml"]
    suites = ElementTree.fromstring(content).findall("testsuite")
    names = [[case.get("name") for case in suite] for suite in suites]
    assert names == [[first.cell, f"{first.cell} #2", rows["skipped"].cell], [first.cell]]


@pytest.mark.parametrize("name", ["junit", "markdown", "csv", "slack"])
def test_texts_are_those_that_were_reviewed(name: str, rows: Rows) -> None:
    chosen = {profile: rows[profile] for profile in ("pass", "fail_low", "error", "waived", "skipped", "planned")}
    [(path, content)] = rendered(name, chosen).items()
    assert content.decode() == (GOLDEN / path).read_text(encoding="utf-8")


def test_a_csv_reader_and_a_parquet_reader_see_one_table(rows: Rows) -> None:
    lines = list(csv.DictReader(io.StringIO(only("csv", rows).decode())))
    table = parquet.read_table(io.BytesIO(only("parquet", rows)))
    assert table.column_names == list(lines[0]) == [column.name for column in COLUMNS]
    typed = table.to_pylist()
    assert len(typed) == len(lines) == sum(len(row.metrics) or 1 for row in rows.values())
    diverged = [(line["value"], each["value"]) for line, each in zip(lines, typed, strict=True)][
        [line["profile"] for line in lines].index("diverged") :
    ]
    assert [text for text, _ in diverged[:2]] == ["NaN", "Infinity"]
    assert [value for _, value in diverged[:2]] == [pytest.approx(math.nan, nan_ok=True), math.inf]
    [skipped] = [(line, each) for line, each in zip(lines, typed, strict=True) if line["profile"] == "skipped"]
    assert (skipped[0]["value"], skipped[0]["seed"]) == ("", "")
    assert (skipped[1]["value"], skipped[1]["seed"], skipped[1]["required"]) == (None, None, False)
    first = typed[0]
    assert (first["metric"], first["value"], first["unit"], first["direction"]) == (
        "accuracy",
        0.95,
        "fraction",
        "higher",
    )
    assert (first["environment"], first["seed"]) == ("keras 3.15.1; python 3.11.7; tensorflow 2.21.0", 7)


@pytest.mark.parametrize("ruleset", ["1.0.0", "6.0.0"])
def test_the_parser_of_mlperf_logging_accepts_every_line(rows: Rows, tmp_path: Path, ruleset: str) -> None:
    stopped = {}
    for path in write("mlperf", list(rows.values()), tmp_path).files:
        lines, failed = mlp_parser.parse_file(str(path), ruleset=ruleset)
        assert failed == []
        assert len(lines) == path.read_text().count(":::MLLOG")
        times = [line.timestamp for line in lines]
        assert times == sorted(times)
        by_key = {line.key: line.value for line in lines}
        stopped[path.stem.partition("-")[2]] = by_key["run_stop"]["metadata"]["status"]
        if path.stem.endswith("-pass"):
            assert by_key["eval_accuracy"]["value"] == 0.95
            assert by_key["eval_accuracy"]["metadata"]["metric"] == "accuracy"
            assert by_key["eval_companion"]["metadata"]["unit"] == "nats per example"
            assert (by_key["seed"]["value"], by_key["global_batch_size"]["value"]) == (7, 32)
            assert by_key["trained_samples"]["value"] == 1408
        if path.stem.endswith("-error"):
            assert "eval_accuracy" not in by_key
    assert {profile for profile, status in stopped.items() if status == "success"} == {"pass"}


def test_perfzero_succeeds_only_where_the_verdict_does(rows: Rows) -> None:
    found = {path.partition("-")[2].partition("/")[0]: strict_json(c) for path, c in rendered("perfzero", rows).items()}
    assert {name for name, summary in found.items() if summary["benchmark_result"]["succeeded"]} == {"pass", "waived"}
    assert {name for name, summary in found.items() if summary["benchmark_info"]["has_exception"]} == {
        "error",
        "timeout",
    }
    healthy = found["pass"]
    assert healthy["benchmark_result"]["name"] == "mlp_digits:smoke@pass"
    [accuracy, *_] = healthy["benchmark_result"]["metrics"]
    assert accuracy["min_value"] < accuracy["value"] < accuracy["max_value"]
    assert healthy["execution_timestamp"] == 1772506800.5
    assert healthy["ml_framework_info"]["version"] == "2.21.0"
    assert found["error"]["benchmark_result"] == {
        "name": "mlp_digits:smoke@error",
        "wall_time": None,
        "succeeded": False,
        "metrics": [],
    }


def test_github_action_benchmark_gets_numbers_by_their_better_side(rows: Rows) -> None:
    files = {path: strict_json(content) for path, content in rendered("github-action-benchmark", rows).items()}
    for entries in files.values():
        for entry in entries:
            assert set(entry) - {"range", "extra"} == {"name", "unit", "value"}
            assert isinstance(entry["value"], int | float)
            assert math.isfinite(entry["value"])
        assert len({entry["name"] for entry in entries}) == len(entries)
    count, *smaller = files["customSmallerIsBetter.json"]
    assert (count["name"], count["value"]) == ("runs that did not pass", 10)
    assert "mlp_digits:smoke@planned: planned: asked for" in count["extra"]
    ends = {entry["name"].partition(": ")[2] for entry in smaller}
    assert ends == {"log_loss", "step_ms_p50", "step_ms_p95", "compile_sec", "startup_sec", "peak_host_bytes"}
    ends = {entry["name"].partition(": ")[2] for entry in files["customBiggerIsBetter.json"]}
    assert ends == {"accuracy", "examples_per_sec", "examples_per_cpu_sec"}
    assert not [entry for entry in smaller if entry["name"] == "mlp_digits:smoke@diverged: log_loss"]


def test_github_action_benchmark_gets_one_entry_for_the_runs_of_a_cell(
    rows: Rows, make_night: Callable[..., Any]
) -> None:
    first = rows["pass"]
    busy = make_night(0, "pass", {"contended": ("another process took 40% of the cores",)})[0]
    changed = [replace(metric, value=metric.value + 0.02) for metric in first.metrics]
    second = replace(first, record=busy, metrics=tuple(changed))
    content = FILES["github-action-benchmark"].render([first, second])["customBiggerIsBetter.json"]
    accuracy, speed, _ = strict_json(content)
    assert (accuracy["value"], accuracy["range"]) == (pytest.approx(0.96), "± 0.014142")
    assert accuracy["extra"].splitlines()[0] == "2 pass"
    assert (speed["value"], "range" in speed) == (2000.0, False)


def test_a_chat_message_keeps_to_slacks_limits_and_names_nobody(rows: Rows) -> None:
    loud = replace(rows["error"], reason="<!channel> & <https://evil.example|here> " + "x" * 5000)
    found = message([loud, rows["pass"], *[rows["fail_low"]] * 60], place="page site/index.html")
    assert len(found["blocks"]) < 50
    texts = [block["text"]["text"] for block in found["blocks"] if block["type"] == "section"]
    assert all(0 < len(text) <= 3000 for text in texts)
    assert "<" not in json.dumps(found)
    assert "! `mlp_digits:smoke@error` error: &lt;!channel&gt; &amp;" in texts[1]
    assert texts[-1].endswith("and 41 more")
    assert found["text"] == "trainband: 1 error, 1 pass, 60 fail_low"


def test_mlflow_is_told_curves_parameters_and_what_is_no_number(rows: Rows) -> None:
    run = mlflow.mlflow_run(rows["pass"])
    assert (run.experiment, run.status, run.start_ms, run.end_ms) == (
        "mlp_digits:smoke@pass",
        "FINISHED",
        1772506800500,
        1772506810000,
    )
    assert [(point.step, point.value) for point in run.points if point.name == "test_accuracy"] == [
        (0, 0.1),
        (22, 0.95),
    ]
    assert run.params["recipe.optimizer.name"] == "sgd"
    assert run.tags["trainband.verdict"] == "pass"
    lost = mlflow.mlflow_run(rows["diverged"])
    assert (lost.tags["trainband.value.accuracy"], lost.tags["trainband.value.log_loss"]) == ("NaN", "Infinity")
    assert {point.name for point in lost.points if not point.name.startswith("test_")}.isdisjoint(
        {"accuracy", "log_loss"}
    )
    assert all(math.isfinite(point.value) for point in lost.points)
    assert [mlflow.mlflow_run(rows[name]).status for name in ("error", "timeout")] == ["FAILED", "KILLED"]
    assert isinstance(FORMATS["mlflow"], DatabaseFormat)
