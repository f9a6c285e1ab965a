"""The files for schedulers: each is parsed by the tool that will read it, or as far as this machine has that tool."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))


@pytest.fixture
def schedules(repo_root: Path) -> Path:
    return repo_root / "scripts" / "schedules"


def check_cron(expression: str) -> None:
    """Five fields of numbers in range, or stars."""
    parts = expression.split()
    assert len(parts) == len(FIELDS), expression
    for part, (name, least, most) in zip(parts, FIELDS, strict=True):
        assert part == "*" or least <= int(part) <= most, f"{name} of {expression}"


def test_systemd_finds_nothing_wrong_with_the_units(schedules: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED, the systemd units: there is no systemd-analyze here")
    for name in ("trainband-nightly.service", "trainband-nightly.timer"):
        text = (schedules / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/trainband/bin/trainband", sys.executable), encoding="utf-8")
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    found = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    timer = configparser.ConfigParser(strict=False)
    timer.read(tmp_path / "trainband-nightly.timer")
    calendar = ["systemd-analyze", "calendar", timer["Timer"]["OnCalendar"]]
    assert subprocess.run(calendar, capture_output=True, timeout=60).returncode == 0


def test_the_cron_file_has_one_line_that_cron_d_reads(schedules: Path) -> None:
    text = (schedules / "trainband-nightly.cron").read_text(encoding="utf-8")
    assert text.endswith("\n")  # cron passes over a last line without it
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    [entry] = [line for line in lines if not re.fullmatch(r"[A-Z_]+=\S+", line)]
    *when, user, _ = entry.split(maxsplit=6)
    check_cron(" ".join(when))
    assert user == "trainband"
    assert "%" not in entry  # cron would make a new line of it


def test_the_workflow_is_one_that_actions_would_take(schedules: Path) -> None:
    document: dict[Any, Any] = yaml.safe_load((schedules / "github-actions.yaml").read_text(encoding="utf-8"))
    triggers = document[True]  # YAML 1.1 reads the key `on` so
    for schedule in triggers["schedule"]:
        check_cron(schedule["cron"])
    assert document["concurrency"]["cancel-in-progress"] is False
    [job] = document["jobs"].values()
    assert job["timeout-minutes"] <= 360  # GitHub ends its own runners' jobs there
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step), step
        if "run" in step:
            checked = subprocess.run(["bash", "-n"], input=step["run"], capture_output=True, text=True, timeout=60)
            assert (checked.returncode, checked.stderr) == (0, "")
        else:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@v\d+", step["uses"])


def test_the_cron_job_is_one_that_kubernetes_would_take(schedules: Path) -> None:
    claim, job = yaml.safe_load_all((schedules / "kubernetes-cronjob.yaml").read_text(encoding="utf-8"))
    assert (claim["kind"], job["apiVersion"], job["kind"]) == ("PersistentVolumeClaim", "batch/v1", "CronJob")
    check_cron(job["spec"]["schedule"])
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    [state] = [volume for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert state["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert all(isinstance(word, str) for word in (*container["command"], *container["args"]))


def test_every_schedule_runs_a_night_with_flags_that_there_are(schedules: Path) -> None:
    from absl import flags

    from trainband.nightly import VERB

    values = flags.FlagValues()
    VERB.define(values)
    for path in sorted(schedules.iterdir()):
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".timer":
            used = set(re.findall(r"--([a-z-]+)=", "\n".join(line for line in text.splitlines() if "pip" not in line)))
            assert {"store", "budget"} <= used, path.name
            assert used <= {name.replace("_", "-") for name in values}, path.name
