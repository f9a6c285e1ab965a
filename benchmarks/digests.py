"""Content digests of arrays: what an array holds, whatever its byte order, memory layout or file.

A digest is sha256 over a header (format line, little-endian dtype, shape) and the elements in C order, little-endian.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

AnyArray = npt.NDArray[Any]

_ARRAY_HEADER = "trainband array 1\n{dtype}\n{shape}\n"
_COMBINED_HEADER = b"trainband digests 1\n"
_KINDS = "biufcSU"
_CHUNK_ELEMENTS = 1 << 20


def array_digest(array: AnyArray) -> str:
    """The content digest of `array`, 64 hexadecimal digits.

    A contiguous little-endian array is hashed in place; any other passes through a buffer of 2^20 elements.

    Args:
      array: booleans, numbers or fixed-width strings of any shape.

    Raises:
      TypeError: the dtype has no portable bytes (objects, structures, bfloat16).
    """
    if array.dtype.kind not in _KINDS:
        raise TypeError(f"array_digest: dtype {array.dtype} has no portable bytes; pass a view as integers")
    dtype = array.dtype.newbyteorder("<")
    shape = ",".join(str(length) for length in array.shape)
    digest = hashlib.sha256(_ARRAY_HEADER.format(dtype=dtype.str, shape=shape).encode())
    if array.dtype == dtype and array.flags.c_contiguous:
        digest.update(_bytes(array))
    else:
        for chunk in _chunks(array, dtype):
            digest.update(_bytes(chunk))
    return digest.hexdigest()


def combine(digests: Mapping[str, str]) -> str:
    """One digest for named digests, whatever the mapping's order.

    Raises:
      ValueError: a name or digest holds a line break or `=`, which would make two mappings look alike.
    """
    combined = hashlib.sha256(_COMBINED_HEADER)
    for name, digest in sorted(digests.items()):
        for text in (name, digest):
            if "\n" in text or "=" in text:
                raise ValueError(f"combine: {text!r} holds a line break or '='")
        combined.update(f"{name}={digest}\n".encode())
    return combined.hexdigest()


def _bytes(array: AnyArray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _chunks(array: AnyArray, dtype: np.dtype[Any]) -> Iterator[AnyArray]:
    pieces = np.nditer(
        array,
        flags=["external_loop", "buffered", "zerosize_ok"],
        order="C",
        op_dtypes=[dtype],
        casting="equiv",
        buffersize=_CHUNK_ELEMENTS,
    )
    yield from map(np.ascontiguousarray, pieces)  # where nothing is to convert, a piece is a strided view
