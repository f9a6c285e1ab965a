"""How busy the accelerator was while a run trained: NVIDIA's own sampling tool beside the training, at half-seconds."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from types import TracebackType
from typing import IO

from trainband.platforms.profiles import Profile

_SAMPLE_MS = 500
_ASK = ("--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"--loop-ms={_SAMPLE_MS}")


class DeviceLoad:
    """Samples from entry to exit, several times where it is entered again.

    Attributes:
      samples: fractions in [0, 1] of the time in which a kernel ran, one a GPU that is seen and sample.
    """

    def __init__(self, profile: Profile) -> None:
        self.samples: list[float] = []
        self._tool = shutil.which("nvidia-smi") if profile.device == "gpu" else None
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    @property
    def mean(self) -> float | None:
        """The mean of all samples; None where there is no such tool, or it gave none."""
        return statistics.fmean(self.samples) if self.samples else None

    def __enter__(self) -> DeviceLoad:
        if self._tool is not None:
            self._output = tempfile.TemporaryFile()  # a pipe would fill up
            self._process = subprocess.Popen([self._tool, *_ASK], stdout=self._output, stderr=subprocess.DEVNULL)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._output is None:
            return
        self._process.kill()
        self._process.wait()
        self._output.seek(0)
        whole = self._output.read().rpartition(b"\n")[0]  # the last line may be cut
        self.samples += [int(line) / 100 for line in whole.decode(errors="replace").split() if line.isdigit()]
        self._output.close()
        self._process = self._output = None
