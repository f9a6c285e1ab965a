"""Each row of the catalog x each law. A new row is tested by what stands here already."""

from __future__ import annotations

import ast
from importlib import resources
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.augmentation import AUGMENTATIONS
from trainband.benchmarks.bands_on_disk import reference_bands
from trainband.benchmarks.run_spec import planned_examples
from trainband.models.catalog import BUILT_IN, load_catalog
from trainband.models.datasets import DATASETS, dataset
from trainband.models.specs import ReferenceModel
from trainband.platforms.profiles import find_profile
from trainband.results.codec import decode, encode
from trainband.results.metric_bands import MetricBand

# By hand from the papers' tables. LeNet-5 with full connections from S2 to C3: 156 + 2,416 + 48,120 + 10,164 + 850.
# ResNet-20 with option A: 432 + 13,824 + 50,688 + 202,752 weights of 3 x 3 kernels, 1,376 of the normalisations and
# 650 of the last layer: He et al. 2016, table 6, has 0.27 M.
PARAMETERS = {
    "mlp_digits": 64 * 64 + 64 + 650,
    "cnn_digits": 144 + 4_608 + 96 + 5_130,
    "resnet_digits": 144 + 2 * 2_304 + 4_608 + 9_216 + 512 + 288 + 330,
    "lstm_digits": 4 * (8 * 64 + 64**2 + 64) + 650,
    "vit_digits": 160 + 16 * 32 + 8 * 32**2 + (4 * 32 + 64 + 32) + 3 * 64 + 330,
    "tokens_digits": 17 * 8 + 64 * 8 + 8 * 8 * 32 + 32 + 2_570,
    "stock_digits": 17 * 8 + 3 * 3 * 8 * 16 + 16 + 32 + 4 * (96 * 32 + 32**2 + 32) + 64 + 330,
    "lenet5_mnist": 61_706,
    "cnn_fashion_mnist": 144 + 4_608 + 96 + 100_416 + 650,
    "resnet20_cifar10": 269_722,
    "resnet56_cifar10": 853_018,
    "resnet9_cifar10": 6_563_520 + 4_480 + 5_120,
    "mlp_mnist": 784 * 512 + 512 + 5_130,
    "autoencoder_fashion_mnist": 160 + 4_640 + 100_416 + 101_920 + 4_624 + 1_160 + 73,
    "vit_fashion_mnist": 3_200 + 64 + 17 * 64 + 4 * (12 * 64**2 + 13 * 64) + 128 + 650,
    "chargpt_tiny_shakespeare": 65 * 128 + 64 * 128 + 4 * (12 * 128**2 + 2 * 128) + 128,
    "chargpt_large_tiny_shakespeare": 65 * 384 + 256 * 384 + 6 * (12 * 384**2 + 2 * 384) + 384,
    "charlstm_tiny_shakespeare": 65 * 64 + 4 * (64 * 256 + 256**2 + 256) + 256 * 65 + 65,
    "textcnn_clinc_oos": 2_801 * 128 + 9 * 128**2 + 3 * 128 + 384 * 150 + 150,
    "bow_goemotions": 10_000 * 128 + 128**2 + 128 + 128 * 28 + 28,
    "cnn_spoken_digit": 144 + 4_608 + 18_432 + 224 + 650,
    "neumf_movielens": (610 + 9_724) * 40 + 2_080 + 528 + 136 + 17,
    "mlp_penguins": 112 + 51,
}
CATALOG = load_catalog()
# Those with a tier that is judged; tests/models/test_large_architectures.py builds and steps the others.
TRAINED = {name: row for name, row in CATALOG.items() if "throughput" not in row.tiers}
PROFILE_OF = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}
BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("tensorflow", "jax", "torch")]
each_model = pytest.mark.parametrize("model", [pytest.param(row, id=name) for name, row in CATALOG.items()])
each_built_in_model = pytest.mark.parametrize("model", [pytest.param(row, id=row.name) for row in BUILT_IN])
each_trained_model = pytest.mark.parametrize("model", [pytest.param(row, id=name) for name, row in TRAINED.items()])
each_backend = pytest.mark.parametrize("backend", BACKENDS)
# What no tier trains on a processor takes minutes to compile, but on PyTorch.
each_model_on_each_backend = pytest.mark.parametrize(
    ("model", "backend"),
    [
        pytest.param(
            row,
            backend,
            id=f"{name}-{backend}",
            marks=[
                pytest.mark.backend(backend),
                *([pytest.mark.nightly] if row.tiers == ("full",) and backend != "torch" else []),
            ],
        )
        for name, row in TRAINED.items()
        for backend in PROFILE_OF
    ],
)


@each_model
def test_a_row_survives_json(model: ReferenceModel) -> None:
    assert decode(ReferenceModel, encode(model)) == model


@each_model
def test_its_data_set_is_in_the_catalog(model: ReferenceModel) -> None:
    for recipe in model.recipes:
        name = model.dataset_of(recipe.tier)
        assert dataset(name).name == name
        assert (name in DATASETS) != recipe.throughput_only


@each_model
def test_every_recipe_trains_on_something(model: ReferenceModel) -> None:
    for recipe in model.recipes:
        n_train = dataset(model.dataset_of(recipe.tier)).n_train
        planned = planned_examples(recipe, n_train)
        assert 0 < planned <= recipe.epochs * n_train
        assert planned % recipe.batch_size == 0
        assert planned > recipe.epochs * (n_train - recipe.batch_size)


@each_built_in_model
def test_its_file_opens_with_what_it_costs_what_it_reaches_and_where_it_comes_from(model: ReferenceModel) -> None:
    module = model.architecture.partition(":")[0].rpartition(".")[2]
    path = resources.files("trainband.models.architectures") / f"{module}.py"
    header = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    entries = [line.partition(":")[0] for line in header.splitlines()[2:]]
    assert [entry for entry in entries if entry in ("Costs", "Reaches", "Source")] == ["Costs", "Reaches", "Source"]
    assert model.name not in PARAMETERS or f"{PARAMETERS[model.name]:,}" in header
    for recipe in model.recipes:
        band = reference_bands().read(model.name, recipe.tier)
        if band is not None and band.status == "calibrated":
            for metric in band.metrics:
                assert _centre(metric) in header
            assert f"(n = {band.n}, tier {recipe.tier}, " in header


def _centre(metric: MetricBand) -> str:
    """How a header gives a metric: `accuracy 0.9133`, `log-loss 0.24`."""
    name = metric.name.replace("log_loss", "log-loss").replace("f1", "F1").replace("_", " ")
    return f"{name} {metric.center:.4f}" if metric.scale == "linear" else f"{name} {metric.center:.3g}"


@each_model
def test_every_metric_has_a_smallest_drop_that_a_band_must_find(model: ReferenceModel) -> None:
    for recipe in model.recipes:
        assert set(recipe.smallest_drop) == {metric.name for metric in model.judged_by(recipe.tier)}
        assert all(0 < drop < 1 for drop in recipe.smallest_drop.values())


@each_model
def test_headline_and_companion_are_two_metrics_with_units(model: ReferenceModel) -> None:
    assert len({metric.name for metric in model.metrics}) == 2
    assert all(metric.unit and metric.aggregation for metric in model.metrics)


@each_model
def test_augmentations_are_known(model: ReferenceModel) -> None:
    assert {recipe.augmentation for recipe in model.recipes} <= {None, *AUGMENTATIONS}


@each_model
def test_published_figures_name_a_metric_of_the_model_and_their_source(model: ReferenceModel) -> None:
    metrics = {metric.name: metric for metric in model.metrics}
    for recipe in model.recipes:
        for figure in recipe.published:
            metric = metrics[figure.metric]
            assert metric.minimum <= figure.value <= metric.maximum
            assert figure.source


@each_model
def test_rates_are_positive_and_never_above_the_peak(model: ReferenceModel) -> None:
    for recipe in model.recipes:
        steps = dataset(model.dataset_of(recipe.tier)).n_train // recipe.batch_size
        total = steps * recipe.epochs
        every = {*range(0, total, max(1, total // 1000)), total - 1}
        if recipe.schedule is None:
            assert {recipe.learning_rate(s, steps_per_epoch=steps) for s in every} == {None}
            continue
        rates = [recipe.schedule.learning_rate(s, steps_per_epoch=steps, total_steps=total) for s in sorted(every)]
        assert min(rates) > 0
        assert max(rates) <= recipe.schedule.peak


def test_every_built_in_row_has_its_parameters_counted_by_hand() -> None:
    assert {name: row.parameters for name, row in TRAINED.items() if row.owner == "trainband"} == PARAMETERS


@each_backend
@each_trained_model
def test_it_builds_with_the_parameters_counted_by_hand_and_its_operations_are_known(
    frameworks: Any, model: ReferenceModel, backend: str
) -> None:
    profile = find_profile(PROFILE_OF[backend])
    found = frameworks(backend).result(
        "architectures.py", "facts", architecture=model.architecture, profile=profile, stock=model.recipes[0].stock
    )
    assert model.parameters is None or found["parameters"] == model.parameters
    assert len(set(found["names"])) == len(found["names"])
    assert found["flops_per_example"] > 0


@each_model_on_each_backend
def test_its_outputs_are_float32_in_the_shape_that_its_loss_asks_for(
    model_facts: Any, model: ReferenceModel, backend: str
) -> None:
    facts = model_facts(backend, model.name)
    data = dataset(model.dataset)
    shapes = {
        "softmax_cross_entropy": (*data.label_shape, data.classes),
        "sigmoid_cross_entropy": data.label_shape,
        "reconstruction_error": data.input_shape,
    }
    outputs = np.array(facts["outputs"])
    assert outputs.shape == (16, *shapes[model.loss])
    assert np.isfinite(outputs).all()
    assert facts["outputs_dtype"] == "float32"


@each_model_on_each_backend
def test_one_step_lowers_the_loss_of_its_batch(model_facts: Any, model: ReferenceModel, backend: str) -> None:
    first, second = model_facts(backend, model.name)["losses"]
    assert 0 < second < first
