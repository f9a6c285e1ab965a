from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from trainband.benchmarks.digests import AnyArray, array_digest, combine

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "digests.json").read_text())


@pytest.mark.parametrize("row", GOLDEN["array_digest of arange"], ids=lambda row: f"{row['dtype']}{row['shape']}")
def test_a_digest_never_changes_between_versions(row: dict[str, object]) -> None:
    shape = row["shape"]
    assert isinstance(shape, list)
    array = np.arange(int(np.prod(shape))).astype(str(row["dtype"])).reshape(shape)
    assert array_digest(array) == row["digest"]


def test_a_combined_digest_never_changes_between_versions() -> None:
    assert combine(GOLDEN["combine"]["of"]) == GOLDEN["combine"]["digest"]


def test_a_digest_is_sha256_of_a_header_and_little_endian_bytes() -> None:
    by_hand = hashlib.sha256(b"trainband array 1\n<i2\n1,2\n" + b"\x01\x00" + b"\xfe\xff").hexdigest()
    assert array_digest(np.array([[1, -2]], dtype="<i2")) == by_hand


@pytest.mark.parametrize(
    "other",
    [
        lambda array: array.astype(">f4"),
        np.asfortranarray,
        lambda array: np.repeat(array, 2, axis=1)[:, ::2],
        lambda array: array[::-1].copy()[::-1],
    ],
    ids=["big-endian", "fortran order", "strided", "reversed view"],
)
def test_byte_order_and_memory_layout_do_not_change_a_digest(other: object) -> None:
    array = np.random.default_rng(0).normal(size=(1500, 1000)).astype("<f4")
    assert callable(other)
    assert array_digest(other(array)) == array_digest(array)


@pytest.mark.parametrize(
    "other",
    [np.zeros((3, 2), "u1"), np.zeros(6, "u1"), np.zeros((2, 3), "i1"), np.array([[0, 0, 0], [0, 0, 1]], "u1")],
    ids=["shape", "rank", "dtype", "value"],
)
def test_shape_dtype_and_value_change_a_digest(other: AnyArray) -> None:
    assert array_digest(other) != array_digest(np.zeros((2, 3), "u1"))


def test_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="dtype object"):
        array_digest(np.array([None]))


def test_combine_ignores_the_order_and_sees_every_name_and_digest() -> None:
    digest = combine({"a": "1", "b": "2"})
    assert combine({"b": "2", "a": "1"}) == digest
    assert len({digest, combine({"a": "2", "b": "1"}), combine({"a": "1"}), combine({"a": "1", "c": "2"})}) == 4


@pytest.mark.parametrize("name", ["a=1\nb", "a=1"])
def test_combine_refuses_names_that_could_imitate_another_mapping(name: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        combine({name: "2"})
