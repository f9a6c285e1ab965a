"""Keras with one change of implementation planted in it, as a wheel: what a careless release would be."""

from __future__ import annotations

import importlib.metadata
import zipfile
from dataclasses import dataclass
from pathlib import Path

SUFFIX = "+planted"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A change of one file of Keras, and what a gate must say of it.

    Attributes:
      file: below `keras/src`.
      cell: where it is looked for.
      outcomes: of which the gate says one.
      place: where the cell parts: stage and layer, as a finding has them; empty where only its speed is looked at.
    """

    file: str
    old: str
    new: str
    cell: str
    outcomes: tuple[str, ...] = ("changed", "regressed", "undecided")
    place: tuple[str, str] = ("", "")


CHANGES = {
    "the batch's variance is a tenth larger": Planted(
        file="layers/normalization/batch_normalization.py",
        old="            mean, variance = self._moments(inputs, mask)\n",
        new="            mean, variance = self._moments(inputs, mask)\n            variance = 1.1 * variance\n",
        cell="stock_digits:smoke@cpu_deterministic",
        place=("forward", "batch_norm"),
    ),
    "Adam's steps are a tenth shorter": Planted(
        file="optimizers/adam.py",
        old="alpha = lr * ops.sqrt",
        new="alpha = 0.9 * lr * ops.sqrt",
        cell="tokens_digits:smoke@cpu_deterministic",
        place=("update", ""),
    ),
    "a dense layer halves its gradient": Planted(
        file="layers/core/dense.py",
        old="        x = ops.matmul(inputs, self.kernel)\n",
        new="        x = ops.matmul(inputs, self.kernel)\n        x = 0.5 * x + ops.stop_gradient(0.5 * x)\n",
        cell="mlp_digits:smoke@cpu_deterministic",
        place=("gradient", "logits"),
    ),
    "dropout drops three times as much": Planted(
        file="layers/regularization/dropout.py",
        old="                self.rate,\n",
        new="                3.0 * self.rate,\n",
        cell="stock_digits:smoke@cpu_deterministic",
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
