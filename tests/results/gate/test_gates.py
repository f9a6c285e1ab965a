"""The gate's document stays readable, whatever is added to it; what is none is refused with a way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainband.results.codec import encode
from trainband.results.gate.gates import GateFileError, differing_versions, read_gate, write_gate

GOLDEN = Path(__file__).parents[2] / "golden" / "gate_v1.json"


def test_the_golden_gate_stays_readable(tmp_path: Path) -> None:
    gate = read_gate(GOLDEN)
    stored = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert "as_of" not in stored
    assert encode(gate) == {**stored, "as_of": ""}
    cnn, stock = gate.cells
    assert (cnn.finding and cnn.finding.layer, cnn.finding and cnn.finding.semantic) == ("conv0", False)
    assert stock.initial_weights is not None
    assert stock.initial_weights.equal
    assert ("keras", "3.4.1", "3.13.2") in differing_versions(gate.baseline, gate.candidate)
    write_gate(tmp_path / "gate.json", gate)
    assert read_gate(tmp_path / "gate.json") == gate


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"version": 2}', "version = 2: this release reads version 1; remove its folder to begin that gate anew"),
        ("[]", "version = None"),
        ("half of a", "Expecting value"),
    ],
)
def test_what_is_no_gate_of_this_version_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    path.write_text(text)
    with pytest.raises(GateFileError, match=said):
        read_gate(path)
