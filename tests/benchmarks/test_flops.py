from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainband.benchmarks.flops import training_flops_per_example


def layer(kind: str, output: tuple[int | None, ...], *weights: tuple[int, ...]) -> Any:
    made = type(kind, (), {})()
    made.output = SimpleNamespace(shape=output)
    made.weights = [SimpleNamespace(shape=shape) for shape in weights]
    if weights and kind not in ("Embedding", "LSTM"):
        made.kernel = made.weights[0]
    return made


def model(*layers: Any) -> Any:
    return SimpleNamespace(layers=layers)


def test_a_dense_layer_is_two_operations_a_weight_forward_and_four_backward() -> None:
    assert training_flops_per_example(model(layer("Dense", (None, 7), (5, 7), (7,)))) == 3 * 2 * 5 * 7


def test_a_convolution_counts_its_kernel_once_a_position() -> None:
    convolution = layer("Conv2D", (None, 4, 6, 8), (3, 3, 2, 8), (8,))
    assert training_flops_per_example(model(convolution)) == 3 * 2 * (3 * 3 * 2 * 8) * (4 * 6)


def test_a_dense_layer_over_a_sequence_counts_each_place() -> None:
    assert training_flops_per_example(model(layer("Dense", (None, 10, 7), (5, 7)))) == 3 * 2 * 35 * 10


def test_normalisation_pooling_and_look_ups_count_nothing() -> None:
    others = (
        layer("BatchNormalization", (None, 4, 4, 8), (8,), (8,), (8,), (8,)),
        layer("Flatten", (None, 128)),
        layer("Embedding", (None, 10, 7), (100, 7)),
    )
    assert training_flops_per_example(model(*others)) == 0.0


def test_a_depthwise_convolution_counts_its_kernel_once_a_position_and_a_channel() -> None:
    depthwise = layer("DepthwiseConv2D", (None, 4, 6, 8), (3, 3, 8, 1))
    assert training_flops_per_example(model(depthwise)) == 3 * 2 * (3 * 3 * 8) * (4 * 6)


def test_a_separable_convolution_is_a_depthwise_one_and_a_product_over_channels() -> None:
    separable = layer("SeparableConv2D", (None, 4, 6, 5), (3, 3, 8, 1), (1, 1, 8, 5))
    del separable.kernel
    separable.depthwise_kernel, separable.pointwise_kernel = separable.weights
    assert training_flops_per_example(model(separable)) == 3 * 2 * (3 * 3 * 8 + 8 * 5) * (4 * 6)


def test_a_layer_may_count_for_itself() -> None:
    counted = layer("TokenEmbedding", (None, 10, 7), (100, 7))
    counted.multiply_adds = 7_000
    assert training_flops_per_example(model(counted)) == 3 * 2 * 7_000


def test_a_recurrent_layer_uses_both_matrices_at_each_place() -> None:
    recurrent = layer("LSTM", (None, 10, 4), (3, 16), (4, 16), (16,))
    recurrent.input = SimpleNamespace(shape=(None, 10, 3))
    recurrent.cell = SimpleNamespace(kernel=recurrent.weights[0], recurrent_kernel=recurrent.weights[1])
    assert training_flops_per_example(model(recurrent)) == 3 * 2 * 10 * (3 * 16 + 4 * 16)


@pytest.mark.parametrize("kind", ["ConvLSTM1D", "MultiHeadAttention"])
def test_a_product_of_an_unknown_kind_gives_no_number_instead_of_a_wrong_one(kind: str) -> None:
    unknown = layer(kind, (None, 7), (3, 7), (7,))
    assert training_flops_per_example(model(layer("Dense", (None, 7), (5, 7)), unknown)) is None


@pytest.mark.backend("tensorflow")
def test_lenet5_by_hand(model_facts: Any) -> None:
    products = [
        (5 * 5 * 1 * 6, 28 * 28),
        (5 * 5 * 6 * 16, 10 * 10),
        (400 * 120, 1),
        (120 * 84, 1),
        (84 * 10, 1),
    ]
    by_hand = 3 * sum(2 * size * positions for size, positions in products)
    assert model_facts("tensorflow", "lenet5_mnist")["flops_per_example"] == by_hand == 2_499_120
