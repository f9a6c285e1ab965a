"""Telling somebody never decides anything: what goes wrong is one line, without the address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trainband.notifying import notify
from trainband.results.store import Store

SWEEP = "20260303T030000-quick-abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A sweep that was killed before its one run."""
    store = Store(tmp_path / "store")
    plan = {"index": 0, "cell": "mlp_digits:smoke@cpu", "repeat": 0, "seed": 7}
    created = "2026-03-03T03:00:00+00:00"
    store.write_sweep({"sweep_id": SWEEP, "created": created, "status": "interrupted", "runs": [plan]})
    return store


def test_the_message_says_what_the_sweep_came_to(store: Store, hook: Any) -> None:
    assert notify(hook.url(), store, SWEEP, Path("site/index.html")) is True
    [message] = hook.messages
    assert message["text"] == "trainband: 1 planned"
    assert "asked for and not judged: the sweep is interrupted" in message["blocks"][1]["text"]["text"]


@pytest.mark.parametrize(
    ("end", "sweep", "expected"),
    [("/wrong", SWEEP, "answered 404 Not Found: no_service"), ("", "another", "no sweep 'another' in ")],
)
def test_what_goes_wrong_is_a_line(
    store: Store, hook: Any, capsys: pytest.CaptureFixture[str], end: str, sweep: str, expected: str
) -> None:
    assert notify(hook.url(f"/services/secret{end}"), store, sweep, Path("page")) is False
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("trainband: nobody was notified: ")
    assert expected in line
    assert "secret" not in line


def test_without_an_address_nobody_is_told(store: Store) -> None:
    assert notify(None, store, SWEEP, Path("page")) is None
