"""Which places of a sequence the language models' logits depend on: masks, wired as they must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trainband.platforms.profiles import find_profile

pytestmark = [pytest.mark.slow, pytest.mark.backend("torch")]

FOLDER = "trainband.models.architectures"
ROUNDING = 1e-4


def logits(frameworks: Any, model: str, inputs: list[Any], **sizes: int) -> np.ndarray:
    """[rows, time, 20]"""
    profile = find_profile("cpu_torch")
    architecture = f"{FOLDER}.{model}"
    return np.array(
        frameworks("torch").result(
            "architectures.py", "sequence_logits", architecture=architecture, profile=profile, inputs=inputs, **sizes
        )
    )


def changed(frameworks: Any, model: str, first: list[Any], second: list[Any], **sizes: int) -> list[bool]:
    """Place by place: whether the logits of two inputs differ by more than rounding."""
    one, other = logits(frameworks, model, [first, second], **sizes)
    found: list[bool] = (np.abs(one - other).max(axis=-1) > ROUNDING).tolist()
    return found


def test_gpt_sees_a_character_from_its_own_place_on(frameworks: Any) -> None:
    text = [*range(60), 1, 2, 3, 4]
    other = [*text[:40], 64, *text[41:]]
    assert changed(frameworks, "chargpt:build_small", text, other) == [False] * 40 + [True] * 24


def test_bert_sees_every_token_from_everywhere_and_padding_from_nowhere(frameworks: Any) -> None:
    tokens, segments = [7, 8, 9, 0, 0], [0, 0, 0, 0, 0]
    last = [7, 8, 5, 0, 0]
    assert all(changed(frameworks, "bert_base:build", [tokens, segments], [last, segments], time=5))
    # A padded place's own logits change with its segment; no other place's do.
    found = changed(frameworks, "bert_base:build", [tokens, segments], [tokens, [0, 0, 0, 0, 1]], time=5)
    assert found == [False, False, False, False, True]


def test_bert_tells_segments_apart(frameworks: Any) -> None:
    tokens = [7, 8, 9, 6, 5]
    assert all(changed(frameworks, "bert_base:build", [tokens, [0] * 5], [tokens, [0, 0, 0, 1, 1]], time=5))


def test_the_decoder_sees_the_target_from_its_own_place_on(frameworks: Any) -> None:
    source = [5, 6, 7, 0]
    found = changed(frameworks, "transformer_base:build", [source, [1, 2, 3, 4]], [source, [1, 2, 9, 4]], time=4)
    assert found == [False, False, True, True]


def test_the_decoder_sees_the_whole_source(frameworks: Any) -> None:
    target = [1, 2, 3, 4]
    assert all(changed(frameworks, "transformer_base:build", [[5, 6, 7, 0], target], [[5, 6, 9, 0], target], time=4))


def test_padding_of_the_source_changes_nothing(frameworks: Any) -> None:
    short = logits(frameworks, "transformer_base:build", [[[5, 6, 7], [1, 2, 3]]], time=3)
    long = logits(frameworks, "transformer_base:build", [[[5, 6, 7, 0, 0], [1, 2, 3, 0, 0]]], time=5)
    np.testing.assert_allclose(long[:, :3], short, atol=ROUNDING)


def test_padding_changes_nothing_for_bert(frameworks: Any) -> None:
    short = logits(frameworks, "bert_base:build", [[[7, 8, 9], [0, 0, 1]]], time=3)
    long = logits(frameworks, "bert_base:build", [[[7, 8, 9, 0, 0], [0, 0, 1, 0, 0]]], time=5)
    np.testing.assert_allclose(long[:, :3], short, atol=ROUNDING)
