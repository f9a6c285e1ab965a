from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.digests import array_digest
from trainband.benchmarks.initial_weights import initial_value

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "streams.json").read_text())
TRUNCATION_SD = 0.8796256610342398


def initializer(name: str, **attributes: Any) -> Any:
    """What an initializer of Keras shows of itself, without Keras."""
    return type(name, (), attributes)()


def scaling(name: str, mode: str, distribution: str, scale: float = 1.0) -> Any:
    return initializer(name, scale=scale, mode=mode, distribution=distribution)


def draw(what: Any, shape: tuple[int, ...], *, seed: int = 3, position: int = 0) -> np.ndarray:
    return initial_value(what, shape, seed=seed, position=position)


@pytest.mark.parametrize("row", GOLDEN["initial_weights"], ids=lambda row: row["initializer"])
def test_initial_weights_never_change_between_versions(row: dict[str, Any]) -> None:
    value = draw(
        initializer(row["initializer"], **row["attributes"]),
        tuple(row["shape"]),
        seed=row["seed"],
        position=row["position"],
    )
    assert value.dtype == np.float32
    assert value.ravel()[:3].tolist() == row["first"]
    assert array_digest(value) == row["digest"]


def test_seed_and_place_decide_and_nothing_else() -> None:
    glorot = scaling("GlorotUniform", "fan_avg", "uniform")
    base = draw(glorot, (4, 5))
    np.testing.assert_array_equal(draw(glorot, (4, 5)), base)
    for other in (draw(glorot, (4, 5), seed=4), draw(glorot, (4, 5), position=1)):
        assert np.abs(other - base).min() > 0


@pytest.mark.parametrize(
    ("shape", "mode", "fan"),
    [
        ((300, 200), "fan_in", 300),
        ((300, 200), "fan_out", 200),
        ((300, 200), "fan_avg", 250),
        ((3, 5, 30, 40), "fan_in", 450),
        ((3, 5, 30, 40), "fan_out", 600),
        ((20_000,), "fan_in", 20_000),
    ],
)
@pytest.mark.parametrize("distribution", ["uniform", "untruncated_normal", "truncated_normal"])
def test_variance_scaling_has_variance_scale_over_fan(
    shape: tuple[int, ...], mode: str, fan: float, distribution: str
) -> None:
    value = draw(scaling("VarianceScaling", mode, distribution, scale=2.0), shape)
    sd = np.sqrt(2.0 / fan)
    assert value.std() == pytest.approx(sd, rel=0.03)
    assert abs(value.mean()) < 5 * sd / np.sqrt(value.size)
    bound = {"uniform": np.sqrt(3.0) * sd, "truncated_normal": 2 * sd / TRUNCATION_SD}.get(distribution, np.inf)
    assert np.abs(value).max() <= bound * (1 + 1e-6)


def test_a_truncated_normal_is_cut_at_two_sd_and_not_piled_up_there() -> None:
    value = draw(initializer("TruncatedNormal", mean=1.0, stddev=0.5), (100_000,))
    assert np.abs(value - 1.0).max() <= 1.0
    assert value.std() == pytest.approx(0.5 * TRUNCATION_SD, rel=0.01)
    assert np.mean(np.abs(value - 1.0) > 0.99) < 0.01


@pytest.mark.parametrize("shape", [(40, 20), (20, 40), (3, 3, 8, 16)])
def test_an_orthogonal_matrix_is_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = draw(initializer("Orthogonal", gain=2.0), shape).reshape(-1, shape[-1]).astype(np.float64)
    small = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(small, 4.0 * np.eye(len(small)), atol=1e-5)


def test_constants_are_constant() -> None:
    assert draw(initializer("Zeros"), (2,)).tolist() == [0.0, 0.0]
    assert draw(initializer("Ones"), ()).tolist() == 1.0
    assert draw(initializer("Constant", value=0.5), (1, 2)).tolist() == [[0.5, 0.5]]


def test_an_unknown_initializer_is_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match=r"'Identity' is not known; use a zeros"):
        draw(initializer("Identity"), (2, 2))


@pytest.mark.backend("tensorflow")
def test_every_initializer_has_the_moments_of_kerass_own(frameworks: Any) -> None:
    rows = frameworks("tensorflow").result("initializers.py", "moments")
    assert len(rows) >= 12
    for row in rows:
        ours, theirs = row["ours"], row["keras"]
        assert ours["mean"] == pytest.approx(theirs["mean"], abs=5 * theirs["sd"] / row["size"] ** 0.5), row
        assert ours["sd"] == pytest.approx(theirs["sd"], rel=0.02), row
        assert ours["largest"] == pytest.approx(theirs["largest"], rel=row["largest_within"]), row


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.backend(n)) for n in ("jax", "torch")])
@pytest.mark.backend("tensorflow")
def test_backends_begin_with_equal_weights(frameworks: Any, model_facts: Any, name: str) -> None:
    for model in ("mlp_digits", "cnn_digits"):
        assert model_facts(name, model)["initial_digest"] == model_facts("tensorflow", model)["initial_digest"]
