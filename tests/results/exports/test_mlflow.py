"""MLflow's own client reads what was exported, with MLflow installed beside the package and not into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainband.results.store import Store

READ = """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri="sqlite:///" + sys.argv[1])
runs = [run for each in client.search_experiments() for run in client.search_runs([each.experiment_id])]
heavy = {"tensorflow", "keras", "jax", "torch"} & set(sys.modules)
shown = {
    run.info.run_name.partition("-")[2]: {
        "status": run.info.status,
        "start": run.info.start_time,
        "verdict": run.data.tags["trainband.verdict"],
        "metrics": run.data.metrics,
        "curve": [[each.step, each.value] for each in client.get_metric_history(run.info.run_id, "test_accuracy")],
        "optimizer": run.data.params["recipe.optimizer.name"],
    }
    for run in runs
}
print(json.dumps({"runs": len(runs), "shown": shown, "heavy": sorted(heavy)}))
"""


@pytest.mark.nightly
def test_mlflows_client_reads_the_runs_and_finds_each_once(whole_store: Store, tmp_path: Path) -> None:
    packages, out = tmp_path / "packages", tmp_path / "out"
    install = ["uv", "pip", "install", "--quiet", f"--python={sys.executable}", f"--target={packages}"]
    subprocess.run([sys.executable, "-m", *install, "mlflow-skinny>=3.0", "alembic>=1.13"], check=True)
    environ = {**os.environ, "PYTHONPATH": str(packages)}
    export = ["-m", "trainband", "export", "mlflow", f"--store={whole_store.root}", f"--out={out}"]
    for _ in range(2):
        subprocess.run([sys.executable, "-P", *export], check=True, env=environ)
    read = [sys.executable, "-P", "-c", READ, str(out / "mlflow.db")]
    found = json.loads(subprocess.run(read, check=True, env=environ, capture_output=True, text=True).stdout)
    assert (found["runs"], found["heavy"]) == (10, [])
    shown = found["shown"]
    assert {name: run["status"] for name, run in shown.items() if run["status"] != "FINISHED"} == {
        "error": "FAILED",
        "timeout": "KILLED",
    }
    assert shown["fail_low"]["verdict"] == "fail_low"
    healthy = shown["pass"]
    assert (healthy["start"], healthy["optimizer"]) == (1772506800500, "sgd")
    assert healthy["curve"] == [[0, 0.1], [22, 0.95]]
    assert (healthy["metrics"]["accuracy"], healthy["metrics"]["examples_per_sec"]) == (0.95, 2000.0)
    assert "accuracy" not in shown["diverged"]["metrics"]

    (out / "mlflow.db").write_text("no database")
    refused = subprocess.run([sys.executable, "-P", *export], check=False, env=environ, capture_output=True, text=True)
    assert refused.returncode == 3
    assert f"MLflow cannot use {out}/mlflow.db" in refused.stderr
    assert "Traceback" not in refused.stderr
