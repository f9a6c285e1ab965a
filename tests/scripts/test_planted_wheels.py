"""Upgrades to wheels of a patched Keras: each change of implementation is found, placed, and laid at Keras's door."""

from __future__ import annotations

import importlib.metadata
import json
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.nightly, pytest.mark.backend("tensorflow")]

SUFFIX = "+planted"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A change of one file of Keras, and what a gate must say of it.

    Attributes:
      file: below `keras/src`.
      place: where the cell parts: stage and layer, as a finding has them.
    """

    file: str
    old: str
    new: str
    cell: str
    outcomes: tuple[str, ...]
    place: tuple[str, str]


CHANGES = {
    "the batch's variance is a tenth larger": Planted(
        file="layers/normalization/batch_normalization.py",
        old="            mean, variance = self._moments(inputs, mask)\n",
        new="            mean, variance = self._moments(inputs, mask)\n            variance = 1.1 * variance\n",
        cell="stock_digits:smoke@cpu_deterministic",
        outcomes=("changed", "regressed", "undecided"),
        place=("forward", "batch_norm"),
    ),
    "Adam's steps are a tenth shorter": Planted(
        file="optimizers/adam.py",
        old="alpha = lr * ops.sqrt",
        new="alpha = 0.9 * lr * ops.sqrt",
        cell="tokens_digits:smoke@cpu_deterministic",
        outcomes=("changed", "regressed", "undecided"),
        place=("update", ""),
    ),
    "a dense layer halves its gradient": Planted(
        file="layers/core/dense.py",
        old="        x = ops.matmul(inputs, self.kernel)\n",
        new="        x = ops.matmul(inputs, self.kernel)\n        x = 0.5 * x + ops.stop_gradient(0.5 * x)\n",
        cell="mlp_digits:smoke@cpu_deterministic",
        outcomes=("changed", "regressed", "undecided"),
        place=("gradient", "logits"),
    ),
    "dropout drops three times as much": Planted(
        file="layers/regularization/dropout.py",
        old="                self.rate,\n",
        new="                3.0 * self.rate,\n",
        cell="stock_digits:smoke@cpu_deterministic",
        outcomes=("changed", "regressed", "undecided"),
        place=("forward", "drop"),
    ),
}
SLOW = Planted(
    file="layers/core/dense.py",
    old="        x = ops.matmul(inputs, self.kernel)\n",
    new="""        x = ops.matmul(inputs, self.kernel)
        work = ops.stop_gradient(ops.matmul(ops.transpose(self.kernel), self.kernel))
        for _ in range(60):
            work = ops.tanh(ops.matmul(work, work))
        x = x + 1e-30 * ops.mean(work)
""",
    cell="mlp_digits:smoke@cpu_deterministic",
    outcomes=("slower",),
    place=("", ""),
)


def version(name: str) -> str:
    return importlib.metadata.version(name)


def planted_wheel(folder: Path, planted: Planted) -> Path:
    """The installed Keras as a wheel, one file changed."""
    installed = importlib.metadata.distribution("keras")
    planted_version = f"{installed.version}{SUFFIX}"
    info = f"keras-{planted_version}.dist-info"
    contents = {
        str(file): file.locate().read_bytes()
        for file in installed.files or ()
        if str(file).startswith("keras/") and str(file).endswith(".py") and not str(file).endswith("_test.py")
    }
    patched = f"keras/src/{planted.file}"
    text = contents[patched].decode()
    assert text.count(planted.old) == 1
    contents[patched] = text.replace(planted.old, planted.new).encode()
    metadata = installed.read_text("METADATA") or ""
    contents[f"{info}/METADATA"] = metadata.replace(
        f"Version: {installed.version}", f"Version: {planted_version}", 1
    ).encode()
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in (*contents, f"{info}/RECORD")).encode()
    path = folder / f"keras-{planted_version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


@pytest.fixture
def sides(tmp_path: Path, trainband: Any) -> Any:
    """`sides(planted)`: flags of an upgrade to a patched Keras and, beside it, to another release of a package that no
    training uses; environments are built below the test's own folder."""
    trainband.environ["TRAINBAND_CACHE"] = str(tmp_path / "cache")

    def flags(planted: Planted) -> list[str]:
        tensorflow = f"tensorflow=={version('tensorflow')} numpy=={version('numpy')}"
        wheel = planted_wheel(tmp_path, planted)
        return [
            f"--baseline={tensorflow} keras=={version('keras')} rich==14.0.0",
            f"--candidate={tensorflow} {wheel} rich==14.1.0",
            f"--as-of={date.today()}",  # noqa: DTZ011 - any day will do
        ]

    return flags


def report(found: Any) -> Any:
    [path] = [line.split()[1] for line in found.stdout.splitlines() if line.startswith("json:")]
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_implementation_is_placed_and_laid_at_kerass_door(name: str, sides: Any, trainband: Any) -> None:
    planted = CHANGES[name]
    flags = sides(planted)
    said = trainband("gate", *flags, f"--cells={planted.cell}", "--speed=none", "--budget=3m")
    found = report(said)
    [outcome], [row] = found["judgement"]["cells"], found["gate"]["cells"]
    finding = row["finding"]
    assert outcome["outcome"] in planted.outcomes, said.stdout + said.stderr
    assert (finding["stage"], finding["layer"] if planted.place[1] else "") == planted.place
    assert finding["moved"] == "implementation changed"
    assert finding["meanings"][0].startswith(" ".join(planted.place).strip())
    blamed = trainband.json("attribute", planted.cell, *flags)
    [guilty] = blamed["guilty"]
    assert guilty["moved"] == {"keras": [version("keras"), version("keras") + SUFFIX]}


def test_work_added_to_each_step_is_slower_and_laid_at_kerass_door(sides: Any, trainband: Any) -> None:
    flags = sides(SLOW)
    said = trainband("gate", *flags, f"--cells={SLOW.cell}", "--speed=cpu", "--budget=3m")
    [outcome] = report(said)["judgement"]["cells"]
    assert (said.returncode, outcome["outcome"]) == (1, "slower"), said.stdout + said.stderr
    blamed = trainband.json("attribute", SLOW.cell, *flags, "--by=cpu_speed")
    [guilty] = blamed["guilty"]
    assert list(guilty["moved"]) == ["keras"]
    assert trainband.json("attribute", SLOW.cell, *flags, "--by=cpu_speed") == blamed
