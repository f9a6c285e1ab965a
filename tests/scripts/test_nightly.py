"""Nights as schedulers start them: killed and started again, two at once, from cron's line and from systemd's."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CELLS = ["mlp_digits:smoke@cpu", "mlp_digits:smoke@cpu_deterministic", "mlp_digits:smoke@gpu"]
NIGHT = ["nightly", *(f"--cells={cell}" for cell in CELLS)]

pytestmark = [pytest.mark.slow, pytest.mark.backend("tensorflow")]


def nights(trainband: Any) -> list[dict[str, Any]]:
    """The documents of all nights, the oldest first."""
    paths = sorted((trainband.store / "nights").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def cron_command(path: Path) -> tuple[str, dict[str, str]]:
    """The command of a file of /etc/cron.d, and the variables that it sets."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    *settings, entry = lines
    return entry.split(maxsplit=6)[6], dict(line.split("=", 1) for line in settings)


def systemd_command(path: Path) -> tuple[str, dict[str, str]]:
    """The command of a service, and the variables that it sets."""
    lines = [line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if "=" in line]
    environment = dict(value.split("=", 1) for name, value in lines if name == "Environment")
    [command] = [value for name, value in lines if name == "ExecStart"]
    return command, environment


def test_a_night_that_is_killed_goes_on_and_a_second_one_waits_for_no_store(trainband: Any, repo_root: Path) -> None:
    process = trainband.start(*NIGHT)
    trainband.until(lambda: list((trainband.store / "judgements").glob("*.json")), "nothing is judged")
    second = trainband(*NIGHT)
    assert second.returncode == 3
    assert "a night is in progress: another process holds" in second.stderr
    children = trainband.descendants(process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    trainband.until(lambda: trainband.gone(children), "children outlive the night")
    [killed] = nights(trainband)
    assert (killed["ended"], killed["exit_status"]) == (None, None)

    again = trainband(*NIGHT, "--budget=2h")
    assert again.returncode == 0, again.stderr
    assert f"going on with the night {killed['night_id']}" in again.stderr
    [night] = nights(trainband)
    assert (night["exit_status"], night["waiting"], night["problems"]) == (0, [], [])
    assert sorted(night["judged"]) == sorted(CELLS)
    records = [
        json.loads((trainband.store / "runs" / name / "record.json").read_text("utf-8"))
        for name in trainband.triggers()
    ]
    assert sorted(f"{r['model']}:{r['tier']}@{r['profile']}" for r in records) == sorted(CELLS[:2])
    assert trainband.unfinished() == []
    assert "expected false alarms of the verdicts of a night like this: 0.00" in again.stdout
    assert (trainband.store / "site" / "index.html").is_file()

    # The next nights are a scheduler's, each in its own bare environment.
    schedules = repo_root / "scripts" / "schedules"
    cells = shlex.join(["--nocanary", *(f"--cells={cell}" for cell in CELLS[1:])])
    for name, read in (("trainband-nightly.cron", cron_command), ("trainband-nightly.service", systemd_command)):
        command, environment = read(schedules / name)
        command = command.replace("/opt/trainband/bin/trainband", f"{sys.executable} -P -m trainband")
        command = command.replace("/var/lib/trainband/nightly.log", f"{trainband.store}/nightly.log")
        command = command.replace("/var/lib/trainband", str(trainband.store)).replace("nightly ", f"nightly {cells} ")
        environment.pop("TRAINBAND_CACHE")  # it names a folder of an installation
        kept = [name for name in ("HOME", "TRAINBAND_HOST_LOCK", "TRAINBAND_CACHE") if name in os.environ]
        environment = {"PATH": "/usr/bin:/bin", **environment, **{name: os.environ[name] for name in kept}}
        found = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, timeout=300)
        assert found.returncode == 0, found.stdout + found.stderr
    assert [night["exit_status"] for night in nights(trainband)] == [0, 0, 0]
    assert "1 skipped, 1 pass" in (trainband.store / "nightly.log").read_text(encoding="utf-8")
    [canary] = (trainband.store / "canaries").glob("*cpu_deterministic-*/canary.json")
    assert json.loads(canary.read_text(encoding="utf-8"))["marks"] == []


def test_a_planted_drop_is_a_regression_until_somebody_owns_it(trainband: Any) -> None:
    words = ["nightly", f"--cells={CELLS[1]}", "--nocanary"]
    found = trainband(*words, "--fault=flipped_labels")
    assert found.returncode == 1, found.stdout + found.stderr
    [regression] = trainband.json("regressions", "list")
    name = regression["regression_id"]
    assert (regression["cell"], regression["quantity"]["name"]) == (CELLS[1], "log_loss")
    assert (regression["side"], regression["faults"]) == ("upper", ["flipped_labels"])
    assert (regression["confirmation"]["kind"], len(regression["confirmation"]["runs"])) == ("verdict", 2)
    assert f"detected: {CELLS[1]} log_loss" in found.stdout

    refused = trainband("regressions", "ack", name)
    assert (refused.returncode, "acknowledged needs an owner" in refused.stderr) == (2, True)
    for wrong in (["regressions", "forget", name], ["regressions", "fix"], ["regressions", "fix", name, "--until=x"]):
        assert trainband(*wrong).returncode == 2
    assert trainband("regressions", "ack", name[:12], "--owner=kim", "--note=planted").returncode == 0
    assert trainband(*words).returncode == 0  # a sound night, and the regression is owned
    assert trainband("regressions", "fix", name, "--owner=kim").returncode == 0
    assert trainband.json("regressions") == []
    [closed] = trainband.json("regressions", "list", "--all")
    assert [event["state"] for event in closed["events"]] == ["detected", "acknowledged", "fixed"]
