"""The architectures for ImageNet, translation and language at full size: built on each backend, and counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from trainband.models.catalog import load_catalog
from trainband.platforms.profiles import find_profile

FOLDER = "trainband.models.architectures"
PROFILE_OF = {"tensorflow": "cpu", "jax": "cpu_jax", "torch": "cpu_torch"}
BACKENDS = [pytest.param(name, marks=pytest.mark.backend(name)) for name in PROFILE_OF]
each_backend = pytest.mark.parametrize("backend", BACKENDS)


@dataclass(frozen=True)
class Expected:
    """What is published of an architecture, or follows from its description by hand.

    Attributes:
      forward: multiply-adds of one example, as far as the source gives digits.
      smallest: sizes of a step that is quick.
      maximum: the largest value of an input.
    """

    parameters: int
    forward: float
    shape: tuple[int, ...] = (224, 224, 3)
    outputs: tuple[int, ...] = (1000,)
    smallest: dict[str, int] = field(default_factory=lambda: {"image_size": 32})
    maximum: int = 255


# A layer of width w: 12 w**2 weights; 4 biases of w for attention, 5 for the feed-forward pair; two normalisations.
GPT2 = 50_257 * 768 + 1024 * 768 + 12 * (12 * 768**2 + 13 * 768) + 2 * 768
# Three tables and a normalisation; the layers as above; one dense layer, a normalisation, a number a token.
BERT = (30_522 + 512 + 2) * 768 + 2 * 768 + 12 * (12 * 768**2 + 13 * 768) + 768**2 + 3 * 768 + 30_522
# Layers without biases in attention: 4 or 8 matrices there, the feed-forward pair, two or three normalisations.
PAIR = 2 * 512 * 2048 + 2048 + 512
TRANSFORMER = 37_000 * 512 + 6 * (4 * 512**2 + PAIR + 4 * 512) + 6 * (8 * 512**2 + PAIR + 6 * 512)

# Images: parameters and multiply-adds as torchvision 0.15 lists them with its weights (Inception-v3 and GoogLeNet less
# the auxiliary outputs: 3,326,696 of 27,161,264, and none counted in 6,624,904); ViT-S/16 as timm lists its parameters and Liu et al. 2021
# (Swin), table 1, its operations.
EXPECTED = {
    "resnet_imagenet:resnet50": Expected(25_557_032, 4.089e9),
    "resnet_imagenet:resnet101": Expected(44_549_160, 7.801e9),
    "resnet_imagenet:resnet152": Expected(60_192_808, 11.514e9),
    "vgg16:build": Expected(138_357_544, 15.470e9),
    "alexnet:build": Expected(61_100_840, 0.714e9, smallest={"image_size": 63}),
    "googlenet:build": Expected(6_624_904, 1.498e9),
    "inception_v3:build": Expected(27_161_264 - 3_326_696, 5.713e9, shape=(299, 299, 3), smallest={"image_size": 75}),
    "mobilenet_v2:build": Expected(3_504_872, 0.301e9),
    "efficientnet_b0:build": Expected(5_288_548, 0.386e9),
    "densenet121:build": Expected(7_978_856, 2.834e9),
    "convnext_tiny:build": Expected(28_589_128, 4.456e9),
    "vit_s16:build": Expected(22_050_664, 4.6e9),
    # By hand: matrices and logits once a place, two products of all places with all in each layer.
    "gpt2_small:build": Expected(
        GPT2,
        1024 * (12 * 12 * 768**2 + 768 * 50_257 + 12 * 2 * 1024 * 768),
        shape=(1024,),
        outputs=(1024, 50_257),
        smallest={"time": 4},
        maximum=50_256,
    ),
    # Sun et al. 2020 (MobileBERT), table 4: 22.5e9 operations for 128 tokens; beside them our logits for each place.
    "bert_base:build": Expected(
        BERT,
        22.5e9 / 2 + 128 * (768**2 + 768 * 30_522),
        shape=(2, 128),
        outputs=(128, 30_522),
        smallest={"time": 4},
        maximum=1,
    ),
    "transformer_base:build": Expected(
        TRANSFORMER,
        128 * (6 * (12 + 16) * 512**2 + 512 * 37_000 + 18 * 2 * 128 * 512),
        shape=(2, 128),
        outputs=(128, 37_000),
        smallest={"time": 4},
        maximum=36_999,
    ),
}
each_model = pytest.mark.parametrize("model", EXPECTED)
# By day a model of the same blocks is enough.
DEEPER = ("resnet_imagenet:resnet101", "resnet_imagenet:resnet152")
each_model_by_day = pytest.mark.parametrize(
    "model", [pytest.param(name, marks=[pytest.mark.nightly] if name in DEEPER else []) for name in EXPECTED]
)
# One backend is enough by day; PyTorch's is the one without minutes of tracing.
each_backend_torch_by_day = pytest.mark.parametrize(
    "backend",
    [
        pytest.param(name, marks=[pytest.mark.backend(name), *([] if name == "torch" else [pytest.mark.nightly])])
        for name in PROFILE_OF
    ],
)


def test_every_model_of_tier_throughput_alone_is_counted_here() -> None:
    rows = {row.architecture: row.parameters for row in load_catalog().values() if "throughput" in row.tiers}
    assert rows == {f"{FOLDER}.{name}": expected.parameters for name, expected in EXPECTED.items()}


def test_the_counts_by_hand_are_the_published_ones() -> None:
    assert GPT2 == 124_439_808
    assert BERT == 109_514_298
    assert TRANSFORMER == 63_045_632


@pytest.mark.slow
@each_backend
@each_model
def test_parameters_operations_and_shapes_are_the_published_ones(frameworks: Any, model: str, backend: str) -> None:
    expected = EXPECTED[model]
    found = frameworks(backend).result(
        "architectures.py", "facts", architecture=f"{FOLDER}.{model}", profile=find_profile(PROFILE_OF[backend])
    )
    assert found["parameters"] == expected.parameters
    assert found["flops_per_example"] / 6 == pytest.approx(expected.forward, rel=0.01)
    assert found["input"][0] == [None, *expected.shape]
    assert found["output"] == [[None, *expected.outputs], "float32"]
    assert len(set(found["names"])) == len(found["names"])


@pytest.mark.slow
@each_backend_torch_by_day
@each_model_by_day
def test_a_step_at_the_smallest_size_lowers_the_loss_of_its_batch(frameworks: Any, model: str, backend: str) -> None:
    expected = EXPECTED[model]
    found = frameworks(backend).result(
        "architectures.py",
        "two_steps",
        architecture=f"{FOLDER}.{model}",
        profile=find_profile(PROFILE_OF[backend]),
        rows=4,
        maximum=expected.maximum,
        **expected.smallest,
    )
    classes = expected.outputs[-1]
    assert np.shape(found["logits"]) == (4, classes)
    first, second = found["losses"]
    # At the start no class is preferred by much.
    assert 0.8 * np.log(classes) < first < 1.5 * np.log(classes)
    assert second < first


APPLICATIONS = {
    "vgg16:build": ("VGG16", 32),
    "inception_v3:build": ("InceptionV3", 75),
    "mobilenet_v2:build": ("MobileNetV2", 64),
    "efficientnet_b0:build": ("EfficientNetB0", 64),
    "densenet121:build": ("DenseNet121", 64),
    "convnext_tiny:build": ("ConvNeXtTiny", 64),
}


@pytest.mark.slow
@pytest.mark.backend("torch")
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(
            model, marks=[pytest.mark.nightly] if model in ("densenet121:build", "convnext_tiny:build") else []
        )
        for model in APPLICATIONS  # those two take 20 to 35 s each
    ],
)
def test_with_equal_weights_it_gives_what_kerass_own_model_gives(frameworks: Any, model: str) -> None:
    application, image_size = APPLICATIONS[model]
    found = frameworks("torch").result(
        "keras_applications.py",
        "compare",
        architecture=f"{FOLDER}.{model}",
        application=application,
        image_size=image_size,
    )
    assert found["largest"] > 0.1
    assert found["error"] < 1e-4 * found["largest"]


@pytest.mark.slow
@pytest.mark.backend("torch")
@pytest.mark.parametrize("depth", [50, 101, 152])
def test_residual_networks_have_kerass_parameters_less_its_biases_before_a_norm(frameworks: Any, depth: int) -> None:
    found = frameworks("torch").result(
        "keras_applications.py",
        "trainable_parameters_without_convolutions_biases",
        application=f"ResNet{depth}",
    )
    assert found == EXPECTED[f"resnet_imagenet:resnet{depth}"].parameters
