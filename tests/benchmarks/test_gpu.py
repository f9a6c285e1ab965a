"""Cells on a real GPU: trained, inside the band that a processor's seeds made, with the device's memory and load."""

from __future__ import annotations

import os
from typing import Any

import pytest

from trainband.benchmarks.bands_on_disk import reference_bands
from trainband.benchmarks.cells import Cell
from trainband.models.catalog import find_model
from trainband.platforms.host_facts import gather_host_facts
from trainband.platforms.probes import probe
from trainband.platforms.profiles import find_profile


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["gpu_jax", "gpu_torch"])
@pytest.mark.parametrize("model", ["mlp_digits", "cnn_digits"])
def test_a_gpu_meets_the_band_of_the_processor(lab: Any, model: str, profile: str) -> None:
    found = probe(find_profile(profile), host=gather_host_facts(environ=os.environ))
    if not found.available:
        pytest.skip(f"NOT TESTED on a GPU: {found.reason}")
    row = find_model(model)
    record = lab.run(seed=3, cell=Cell(model=row, recipe=row.recipe("smoke"), profile=find_profile(profile)))
    assert record.measurement is not None, record.failure
    band = reference_bands().read(model, "smoke")
    assert band is not None
    for metric in band.metrics:
        value = record.measurement.quality.metrics[metric.name].value
        assert metric.lower <= value <= metric.upper, metric.name
    speed = record.measurement.throughput
    assert record.measurement.device.startswith("gpu")
    assert speed.peak_device_bytes is not None
    assert speed.peak_device_bytes > 0
    assert speed.device_utilization is None or 0.0 <= speed.device_utilization <= 1.0
