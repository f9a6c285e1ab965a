"""The readers on examples worked by hand; test_data_official.py has them at work on the original archives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trainband.benchmarks.data.cache import DataError
from trainband.benchmarks.data.readers import characters, leave_one_out, log_mel, penguins, words
from trainband.benchmarks.data.readers.registry import READERS, read
from trainband.models.dataset_rows.audio import SPOKEN_DIGIT
from trainband.models.dataset_rows.recommendation import MOVIELENS_SMALL
from trainband.models.dataset_rows.tabular import PENGUINS
from trainband.models.dataset_rows.text import CLINC_OOS, GOEMOTIONS, TINY_SHAKESPEARE
from trainband.models.dataset_spec import Dataset
from trainband.models.datasets import DATASETS

Splits = dict[str, dict[str, Any]]


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> Splits:
    """What a builder's splits hold, feature by feature; the test fills it."""
    found: Splits = {}

    def whole_split(builder: object, split: str, **options: object) -> dict[str, np.ndarray[Any, Any]]:
        return {feature: np.array(values) for feature, values in found[split].items()}

    for module in (characters, leave_one_out, penguins, words):
        monkeypatch.setattr(module, "whole_split", whole_split)
    return found


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in DATASETS.items()])
def test_every_data_set_has_a_reader(row: Dataset) -> None:
    assert row.reader in READERS


def test_an_unknown_reader_is_named_with_those_that_there_are() -> None:
    row = replace(TINY_SHAKESPEARE, reader="character")
    with pytest.raises(
        DataError, match=r"'tiny_shakespeare': no reader 'character'; there are .*did you mean 'characters'"
    ):
        read(row, None)


def test_windows_lie_end_to_end_and_are_labelled_with_the_next_characters() -> None:
    inputs, labels = characters.windows("abcabca", ["a", "b", "c"], 3)
    assert inputs.dtype == np.uint8
    assert labels.dtype == np.int32
    assert inputs.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert labels.tolist() == [[1, 2, 0], [1, 2, 0]]


def test_a_window_whose_last_label_is_missing_is_left_out() -> None:
    inputs, labels = characters.windows("abcabc", ["a", "b", "c"], 3)
    assert inputs.tolist() == [[0, 1, 2]]
    assert labels.tolist() == [[1, 2, 0]]


def shakespeare(*, classes: int) -> Dataset:
    return replace(TINY_SHAKESPEARE, settings={"length": 2}, classes=classes)


def test_the_ids_are_ranks_among_the_characters_of_the_training_text(splits: Splits) -> None:
    splits.update(train={"text": [b"zebra"]}, test={"text": [b"bar"]})
    arrays = read(shakespeare(classes=5), None)
    assert arrays["train_inputs"].tolist() == [[4, 2], [1, 3]]
    assert arrays["train_labels"].tolist() == [[2, 1], [3, 0]]
    assert arrays["test_inputs"].tolist() == [[1, 0]]
    assert arrays["test_labels"].tolist() == [[0, 3]]


@pytest.mark.parametrize(
    ("test", "classes", "message"),
    [
        (b"bar?", 5, r"5 characters .*, the catalog says 5; only in the test text: \['\?'\]"),
        (b"bar", 6, r"5 characters .*, the catalog says 6; only in the test text: \[\]"),
    ],
)
def test_characters_that_the_catalog_does_not_know_are_refused(
    splits: Splits, test: bytes, classes: int, message: str
) -> None:
    splits.update(train={"text": [b"zebra"]}, test={"text": [test]})
    with pytest.raises(DataError, match=message):
        read(shakespeare(classes=classes), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What's the time?", ["what's", "the", "time"]),
        ("I don\u2019t know", ["i", "don't", "know"]),
        ("[NAME], 2nd-hand", ["name", "2nd", "hand"]),
        ("\U0001f64f !", []),
    ],
)
def test_words_are_runs_of_letters_digits_and_apostrophes_in_lower_case(text: str, expected: list[str]) -> None:
    assert words.tokens(text.encode()) == expected


def test_ids_go_by_frequency_then_alphabet_and_the_rest_has_none() -> None:
    texts = [["b", "c", "a"], ["c", "d", "a"], ["c"]]
    assert words.vocabulary(texts, 5) == {"c": 2, "a": 3, "b": 4}


def test_texts_are_cut_and_padded_on_the_right() -> None:
    rows = words.encoded([["a", "b", "a"], ["x"], []], {"a": 2, "b": 3}, 2)
    assert rows.dtype == np.int32
    assert rows.tolist() == [[2, 3], [1, 0], [1, 0]]


def test_the_vocabulary_is_of_the_training_texts(splits: Splits) -> None:
    splits["train"] = {"text": [b"yes yes no", b"no"], "intent": [4, 7]}
    splits["test"] = {"text": [b"no maybe"], "intent": [7]}
    arrays = read(replace(CLINC_OOS, settings={"length": 3, "vocabulary": 4}), None)
    assert arrays["train_inputs"].tolist() == [[3, 3, 2], [2, 0, 0]]
    assert arrays["test_inputs"].tolist() == [[2, 1, 0]]
    assert arrays["train_labels"].tolist() == [4, 7]
    assert arrays["train_labels"].dtype == np.int32


def test_several_labels_are_the_flags_in_alphabetical_order(splits: Splits) -> None:
    comments = {"joy": [True], "comment_text": [b"so sorry"], "neutral": [False], "caring": [True]}
    splits.update(train=comments, test=comments)
    arrays = read(replace(GOEMOTIONS, settings={"length": 2, "vocabulary": 4}), None)
    assert arrays["train_labels"].tolist() == [[1, 1, 0]]
    assert arrays["test_labels"].dtype == np.int32


def test_a_vocabulary_larger_than_the_training_texts_is_refused(splits: Splits) -> None:
    questions = {"text": [b"yes no"], "intent": [0]}
    splits.update(train=questions, test=questions)
    with pytest.raises(DataError, match="hold 2 words, too few for the catalog's vocabulary of 5"):
        read(replace(CLINC_OOS, settings={"length": 3, "vocabulary": 5}), None)


def test_a_history_ends_with_the_latest_item_and_of_two_at_once_with_the_higher() -> None:
    users, items = np.array([0, 1, 0, 0, 1]), np.array([5, 2, 9, 7, 4])
    timestamps = np.array([30, 10, 10, 30, 5])
    first, second = leave_one_out.histories(users, items, timestamps)
    assert first.tolist() == [9, 5, 7]
    assert second.tolist() == [4, 2]


def test_unrated_items_are_candidates_or_negatives_and_never_both() -> None:
    words_of_seed = np.random.PCG64(1)
    candidates, negatives = leave_one_out.unrated(
        np.array([0, 3, 5]), items=8, candidates=2, negatives=4, words=words_of_seed
    )
    # By hand: the unrated items are 1, 2, 4, 6, 7, and their order is that of the stream's first five words.
    expected = np.random.PCG64(1).random_raw(5 + 8)
    order = [item for _, item in sorted(zip(expected[:5].tolist(), [1, 2, 4, 6, 7], strict=True))]
    others = sorted(order[2:])
    assert candidates.tolist() == [order[:2]]
    assert negatives.reshape(-1).tolist() == [others[word % 3] for word in expected[5:].tolist()]
    assert negatives.shape == (2, 4)


def test_each_rated_item_goes_before_its_unrated_ones() -> None:
    rows = leave_one_out.labelled(6, np.array([3, 5]), np.array([[0, 1], [1, 2]]))
    assert rows.tolist() == [[6, 3, 1], [6, 0, 0], [6, 1, 0], [6, 5, 1], [6, 1, 0], [6, 2, 0]]


@pytest.fixture
def five_ratings(splits: Splits) -> Dataset:
    """Users 3 and 10, items 2, 20 and 100; user 10 rated 100 last."""
    splits["train"] = {
        "user_id": [b"10", b"3", b"10", b"3", b"10"],
        "movie_id": [b"100", b"20", b"2", b"2", b"20"],
        "timestamp": [9, 7, 5, 8, 9],
    }
    return replace(MOVIELENS_SMALL, settings={"users": 2, "items": 3, "negatives": 1, "seed": 0})


def test_ids_are_numbered_in_numerical_order_and_the_last_is_held_out(
    five_ratings: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_others(rated: np.ndarray[Any, Any], **options: object) -> tuple[np.ndarray[Any, Any], ...]:
        return np.zeros((1, 0), int), np.zeros((len(rated) - 1, 0), int)

    monkeypatch.setattr(leave_one_out, "unrated", no_others)
    arrays = read(five_ratings, None)
    assert arrays["train_inputs"].tolist() == [[0, 1], [1, 0], [1, 1]]
    assert arrays["test_inputs"].tolist() == [[0, 0], [1, 2]]
    assert arrays["train_labels"].tolist() == [[1], [1], [1]]
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int32)}


def test_other_numbers_of_users_and_items_are_refused(five_ratings: Dataset) -> None:
    more = replace(five_ratings, settings={**five_ratings.settings, "users": 3})
    with pytest.raises(DataError, match=r"\(2, 3\) users and items, the catalog says \(3, 3\)"):
        read(more, None)


def test_a_recording_is_cut_or_filled_up_with_silence_at_its_end() -> None:
    short, long = log_mel.first_second(np.array([3, -4])), log_mel.first_second(np.arange(9_000))
    assert short.dtype == np.float64
    assert short[:3].tolist() == [3.0, -4.0, 0.0]
    assert short.shape == long.shape == (8_000,)
    assert long[-1] == 7_999.0


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
def test_a_sine_is_loudest_in_the_band_of_its_pitch_and_counted_from_its_loudest_cell(frameworks: Any) -> None:
    """By hand: 40 bands between 20 and 4,000 Hz have 42 edges 51.6 mel apart, from 31.7 to 2,146.1 mel.

    1,000 Hz is 1,000.0 mel, 18.8 edges from the first: nearest to the 19th, which is the middle of band 18.
    """
    amplitudes = [[3000, 3000], [300, 300], [3000, 300], [0, 0]]
    found = frameworks("tensorflow").result("log_mel.py", "pictures_of_sines", hertz=1000, amplitudes=amplitudes)
    pictures = np.array(found["pictures"])
    assert found["dtype"] == "uint8"
    assert pictures.shape == (4, *SPOKEN_DIGIT.input_shape)
    loud, quiet, fading, silent = pictures[..., 0]
    assert (loud.argmax(axis=1) == 18).all()
    assert loud.max() == 255
    assert loud[:, [0, 39]].max() == 0  # more than 80 dB below
    assert np.array_equal(loud, quiet)
    assert fading[10, 18] == 255
    assert fading[50, 18] == 191  # 20 of 80 dB lower: three quarters of 255, 191.25
    assert silent.max() == 0


def recordings(monkeypatch: pytest.MonkeyPatch, *names: str) -> Dataset:
    """A builder holds recordings under the names given; the picture of the nth is n."""
    examples = [
        {"audio/filename": name.encode(), "label": 7, "audio": np.array([place])} for place, name in enumerate(names)
    ]
    monkeypatch.setattr(log_mel, "one_by_one", lambda builder, split: iter(examples))
    monkeypatch.setattr(log_mel, "pictures", lambda samples: samples[:, :1].astype(np.uint8))
    return SPOKEN_DIGIT


def test_recordings_0_to_4_of_each_speaker_are_the_test_split(monkeypatch: pytest.MonkeyPatch) -> None:
    row = recordings(monkeypatch, "7_theo_5.wav", "7_theo_4.wav", "7_jackson_0.wav", "7_jackson_40.wav")
    arrays = read(row, None)
    assert arrays["train_inputs"].tolist() == [[0], [3]]
    assert arrays["test_inputs"].tolist() == [[1], [2]]
    assert arrays["test_labels"].tolist() == [7, 7]
    assert arrays["test_labels"].dtype == np.int32


@pytest.mark.parametrize("name", ["8_theo_5.wav", "7_theo.wav", "7_theo_5.mp3"])
def test_a_recording_under_another_name_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(DataError, match=f"label 7, file '{name}': not DIGIT_SPEAKER_INDEX.wav"):
        read(recordings(monkeypatch, name), None)


def test_penguins_are_standardised_by_the_moments_of_the_training_split() -> None:
    means, deviations = penguins.moments(np.array([[1.0, 10.0], [2.0, 10.5], [6.0, 11.0]]))
    assert means.tolist() == [3.0, 10.5]
    assert deviations.tolist() == [2.160247, 0.408248]  # the roots of 14/3 and 1/6
    standardised = penguins.standardised(np.array([[3.0, 10.5], [7.320494, 10.091752]]), means, deviations)
    assert standardised.dtype == np.float32
    assert standardised.tolist() == [[0.0, 0.0], [2.0, -1.0]]


def test_penguins_keep_species_and_sex_and_lose_the_birds_without_measurements(splits: Splits) -> None:
    splits["train"] = {
        "Culmen Length (mm)": [39.1, np.nan, 47.5, 46.1],
        "Culmen Depth (mm)": [18.7, np.nan, 15.0, 18.2],
        "Flipper Length (mm)": [181.0, np.nan, 218.0, 178.0],
        "Body Mass (g)": [3750.0, np.nan, 4950.0, 3250.0],
        "Sex": [b"MALE", b"", b".", b"FEMALE"],
        "Species": [b"Adelie Penguin (P. a.)", b"Gentoo penguin (P. p.)", b"Gentoo penguin", b"Chinstrap penguin"],
    }
    arrays = read(replace(PENGUINS, n_train=2, n_test=1), None)
    birds = np.concatenate([arrays["train_inputs"], arrays["test_inputs"]])
    labels = np.concatenate([arrays["train_labels"], arrays["test_labels"]])
    assert sorted(zip(labels.tolist(), birds[:, 4:].tolist(), strict=True)) == [
        (0, [1.0, 0.0]),
        (1, [0.0, 1.0]),
        (2, [0.0, 0.0]),
    ]
    assert np.abs(arrays["train_inputs"][:, :4]).round(5).tolist() == [[1.0] * 4] * 2  # two birds: one sd from the mean
    assert len(arrays["test_inputs"]) == 1
