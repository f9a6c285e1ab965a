"""Pictures of sines, for test_data_readers.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainband.benchmarks.data.readers import log_mel


def pictures_of_sines(hertz: float, amplitudes: list[list[float]]) -> dict[str, Any]:
    """A recording for each pair of amplitudes, that of the first half second and that of the second."""
    phase = 2 * np.pi * hertz * np.arange(log_mel.SAMPLES) / log_mel.SAMPLE_RATE
    envelopes = np.repeat(np.array(amplitudes, np.float64), log_mel.SAMPLES // 2, axis=1)
    pictures = log_mel.pictures(envelopes * np.sin(phase))
    return {"dtype": str(pictures.dtype), "pictures": pictures.tolist()}
