"""The live view as people open it: pages that follow the store, on this machine alone, until Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from typing import Any

import pytest

from trainband.results.codec import encode
from trainband.results.judgements import skipped_judgement
from trainband.results.store import Store

pytestmark = pytest.mark.slow

CELL = "mlp_digits:smoke@gpu"


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def test_pages_follow_the_store_and_end_with_ctrl_c(trainband: Any) -> None:
    store = Store(trainband.store)
    process = trainband.start("serve", "--port=0", "--every=0.2")
    url = process.stdout.readline().split()[0]
    assert url.startswith("http://127.0.0.1:")
    page = read(url)
    assert "Nothing is here yet" in page
    assert "/live.json" in page
    before = json.loads(read(f"{url}live.json"))
    assert before == {"version": 1, "error": ""}
    created = "2026-03-02T04:00:00+00:00"
    judgement = skipped_judgement(judgement_id="j", created=created, cell=CELL, reason="no GPU found")
    store.write_judgement(encode(judgement))
    trainband.until(lambda: json.loads(read(f"{url}live.json"))["version"] > 1, "the pages were not written again")
    assert CELL in read(url)
    assert "Plotly" in read(f"{url}assets/plotly.min.js")
    for hidden in ("assets/", "..%2f..%2fetc/passwd", "nothing.html"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(url + hidden)
    os.killpg(process.pid, signal.SIGINT)
    ended = trainband.finished(process)
    assert ended.returncode == 0
    assert ended.stderr.endswith("trainband serve: ended\n")
    assert not (trainband.store / "site").exists()


def test_what_cannot_be_served_is_said(trainband: Any) -> None:
    nowhere = trainband("serve", "--port=0")
    assert nowhere.returncode == 3, nowhere.stderr
    assert "no store at" in nowhere.stderr
    Store(trainband.store)
    first = trainband.start("serve", "--port=0")
    port = first.stdout.readline().split()[0].rstrip("/").rpartition(":")[2]
    taken = trainband("serve", f"--port={port}")
    assert taken.returncode == 2
    assert f"--port={port}: " in taken.stderr
    assert "give another --port" in taken.stderr
    assert trainband("serve", "now").returncode == 2
