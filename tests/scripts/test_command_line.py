"""Wrong command lines: one clear line, exit status 2 or 3, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trainband.__main__ import entry
from trainband.command_line import VERBS
from trainband.results.store import Store

Say = Callable[..., str]


@pytest.fixture
def complaint(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Say:
    """The one line that a command line gets, after its exit status was checked."""
    monkeypatch.chdir(tmp_path)

    def say(status: int, *words: str) -> str:
        assert entry(list(words)) == status
        shown = capsys.readouterr()
        assert shown.out == ""
        [line] = shown.err.splitlines()
        return line

    return say


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: trainband {verb}")
    assert f"\nexample: trainband {verb}" in text
    assert "--json" in text


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {verb} " in text for verb in VERBS)
    assert entry([]) == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["swep"], "no verb 'swep' (did you mean 'sweep'?)"),
        (["run"], "give one cell"),
        (["run", "cnn_digits:smoke@cpu", "mlp_digits:smoke@cpu"], "found 2 words"),
        (["run", "cnn_digit:smoke@cpu"], "no model 'cnn_digit' (did you mean 'cnn_digits'?)"),
        (["run", "resnet21_cifar10:short@cpu"], "no model 'resnet21_cifar10' (did you mean 'resnet20_cifar10'?)"),
        (["run", "cnn_digits:smoke@cpux"], "no profile 'cpux'"),
        (["run", "cnn_digits:full@cpu"], "has no tier 'full'; it has smoke"),
        (["run", "cnn_digits"], "not of the form model:tier@profile"),
        (["run", "cnn_digits:smoke@cpu", "--seed=x"], "--seed=x"),
        (["run", "cnn_digits:smoke@cpu", "--seed=-1"], "seed"),
        (["run", "cnn_digits:smoke@cpu", f"--seed={2**63}"], "seed"),
        (["run", "cnn_digits:smoke@cpu", "--sede=1"], "sede"),
        (["run", "cnn_digits:smoke@cpu", "--time-limit=0"], "time_limit"),
        (["run", "cnn_digits:smoke@cpu", "--time-limit=nan"], "time_limit"),
        (["run", "cnn_digits:smoke@cpu", "--bands=/no/such/bands"], "--bands=/no/such/bands: there is no such folder"),
        (["run", "cnn_digits:smoke@cpu", "--fault=gremlins"], "no fault 'gremlins'; there are untrained, "),
        (["run", "cnn_digits:smoke@cpu", "--store=sqlite:///x.db"], "--index"),
        (["diff", "a", "b", "--picture=x.html"], "--picture draws what --zoom finds"),
        (["diff", "a", "b", "--zoom", "--picture=/nowhere/x.html"], "there is no folder /nowhere; make it"),
        (["sweep"], "give either --suite=NAME or --cells=GLOB"),
        (["sweep", "--suite=quick", "--cells=*"], "give either --suite=NAME or --cells=GLOB"),
        (["sweep", "--suite=quik"], "quick"),
        (["sweep", "--cells=nothing*"], "no cell matches 'nothing*'"),
        (["sweep", "--suite=quick", "--seeds=0"], "seeds"),
        (["sweep", "--suite=quick", "--seeds=3", "--seed=7"], "leave --seeds=3 out"),
        (["sweep", "--suite=quick", "--resume", "--seed=7"], "--resume goes on with the seeds of the sweep"),
        (["sweep", "--suite=quick", "--require=gpu9"], "--require=gpu9: no such profile"),
        (["calibrate", "cnn_digits:smoke@cpu", "--seeds=1"], "seeds"),
        (["calibrate", "cnn_digits:smoke@cpu", "--fault=untrained"], "never calibrated with planted faults"),
        (["check", "--require=gpu9"], "no such profile"),
        (["list"], "cannot be listed; name one of models, profiles, cells, suites, datasets"),
        (["list", "modles"], "'modles' cannot be listed"),
        (["data"], "is no action"),
        (["data", "prepare"], "name at least one of"),
        (["data", "prepare", "mnits"], "mnits"),
        (["show"], "give one run id"),
        (["export"], "give a format; there are junit (JUnit XML for CI servers); markdown "),
        (["export", "jnuit"], "no format 'jnuit'; there are junit"),
        (["export", "junit", "--sweep=a", "--since=2026-03-01"], "--since=2026-03-01 and --sweep=a: give one of them"),
        (["export", "junit", "--since=yesterday"], "--since = 'yesterday': not an ISO 8601 date or time such as"),
        (["export", "junit", "--out=-", "--json"], "leave --json out"),
        (["export", "csv"], "has no judgement yet; `trainband sweep` makes some"),
        (["sweep", "--suite=quick", "--notify=hooks.example.com"], "--notify: no address of a webhook"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_one_line_and_status_2(complaint: Say, words: list[str], expected: str) -> None:
    store = [] if words[0] in ("list", "data", "swep") or any("--store" in w for w in words) else ["--store=s"]
    if words[0] in ("check", "show", "export"):
        Store(Path("s")).close()
    assert expected in complaint(2, *words, *store)


@pytest.mark.parametrize(
    "verb",
    [["check"], ["show", "2026"], ["report"], ["export", "csv"], ["list", "backends"], ["list", "reference"]],
    ids=" ".join,
)
def test_a_store_that_is_not_there_is_said_to_be(complaint: Say, verb: list[str]) -> None:
    assert "no-such-store" in complaint(3, *verb, "--store=no-such-store")
    assert not Path("no-such-store").exists()


def test_a_run_that_is_not_there_is_said_to_be(complaint: Say) -> None:
    Store(Path("s")).close()
    assert "20990101" in complaint(2, "show", "20990101", "--store=s")


def test_a_file_where_the_store_should_be_names_the_way_out(complaint: Say) -> None:
    Path("s").write_text("a file")
    line = complaint(3, "run", "mlp_digits:smoke@cpu", "--store=s")
    assert "--store" in line


def test_an_index_that_cannot_be_reached_is_status_3(complaint: Say) -> None:
    Store(Path("s")).close()
    line = complaint(3, "check", "--store=s", "--index=sqlite:////no/such/folder/index.sqlite")
    assert "/no/such/folder" in line


def test_data_that_the_mirror_does_not_serve_are_status_3_and_name_the_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRAINBAND_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TRAINBAND_DATA_DIR", raising=False)
    (tmp_path / "archives" / "cifar10").mkdir(parents=True)
    assert entry(["data", "prepare", "cifar10", "--mirror=archives", "--data-dir="]) == 3
    *_, line = capsys.readouterr().err.splitlines()
    assert "cifar10" in line
    assert "--data-dir" in line


def test_a_malformed_profile_of_another_package_is_named(
    complaint: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package, info = tmp_path / "mine", tmp_path / "mine-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text("FOLDER = __path__[0]\n")
    (package / "fast.toml").write_text(
        'name = "fast"\ntitle = "Mine"\ndevice = "cpu"\nbackend = "tensorflow"\nthread = 4\n'
    )
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[trainband.profiles]\nmine = mine:FOLDER\n")
    monkeypatch.syspath_prepend(tmp_path)
    line = complaint(2, "list", "profiles")
    assert "fast.toml" in line
    assert "thread" in line
    (package / "fast.toml").write_text("name = = 1\n")
    assert "fast.toml" in complaint(2, "run", "mlp_digits:smoke@fast", "--store=s")


def test_a_wrong_waiver_file_stops_the_command_before_it_trains(complaint: Say) -> None:
    Path("bands").mkdir()
    Path("bands/waivers.toml").write_text("[[waiver]]\nowner = 'kim'\n")
    line = complaint(2, "run", "mlp_digits:smoke@cpu", "--store=s", "--bands=bands")
    assert "bands/waivers.toml: waiver 1: " in line


def test_a_band_file_that_is_no_text_is_named(complaint: Say) -> None:
    path = Path("bands/mlp_digits/smoke.json")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe{}")
    Store(Path("s")).close()
    assert "bands/mlp_digits/smoke.json: 'utf-8' codec" in complaint(
        3, "run", "mlp_digits:smoke@cpu", "--store=s", "--bands=bands"
    )


@pytest.mark.parametrize(("verb", "variable"), [("check", "TRAINBAND_INDEX"), ("sweep", "TRAINBAND_NOTIFY")])
def test_an_address_that_holds_a_password_is_not_shown_in_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "postgresql://kim:secret@db/trainband")
    assert entry([verb, "--help"]) == 0
    assert "secret" not in capsys.readouterr().out
