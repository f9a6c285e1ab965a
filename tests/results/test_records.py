"""The record as a stored format: what was ever written stays readable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trainband.results.codec import CodecError
from trainband.results.records import Record, record_from_json, record_to_json

GOLDEN = Path(__file__).parents[1] / "golden" / "record_v1.json"


def test_the_golden_record_stays_readable(make_record: Callable[..., Record]) -> None:
    """It was written before a record could say how busy its device was."""
    record = record_from_json(GOLDEN.read_text())
    assert record == make_record("20260301T040000-mlp_digits-smoke-cpu-s7-0a1b2c", sweep_id="nightly-1", sweep_index=3)
    assert record_from_json(record_to_json(record)) == record
    assert "device_utilization" not in GOLDEN.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not JSON"), ("[]", "expected an object"), ('{"version": 9}', "reads version 1")],
)
def test_what_is_no_record_is_refused(text: str, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        record_from_json(text)
