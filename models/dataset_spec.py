"""What a data set is, as a value; preparing one is `benchmarks.data`'s work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set as prepared: two splits of plain arrays, inputs and labels.

    Attributes:
      version: of the content; TFDS's own where it prepares the data.
      origin: `embedded` (ships inside a dependency), `tfds` (official TensorFlow Datasets builder), or `synthetic` (drawn
        anew in each run, for throughput alone).
      tfds_name: builder name such as `mnist` or `penguins/raw`; None when embedded.
      mirror_folder: sub-folder of `--mirror` with the original archives; None where TFDS registers only an archive
        that cannot be rebuilt, so that a prepared TFDS `data_dir` is the only offline way in.
      archives: file names of the archives that the builder reads, where TFDS registers more under its name, for other
        configurations; empty: all of them.
      reader: the module of `benchmarks.data.readers` that makes the arrays from the builder's examples; `features`
        takes those that `tfds_features` names for each array of a split, as they are.
      tfds_features: names of features that the reader asks for.
      settings: what the reader has to know beside the shapes, such as a length.
      input_shape, input_dtype: of one example.
      input_maximum: the largest value that an integer input can have; None for float32.
      label_shape: of one example's labels, which are int32.
      classes: of a softmax's labels; 2 where a label is 0 or 1.
      split_seed: of the permutation that splits a set which comes unsplit.
      digests: sha256 content digest of each array, named `<split>_<array>`, as `benchmarks.digests` defines it.
      shared_rows: test inputs that also stand in the training split of the published data, counted by us.
    """

    name: str
    title: str
    version: str
    origin: Literal["embedded", "tfds", "synthetic"]
    tfds_name: str | None
    mirror_folder: str | None
    archives: tuple[str, ...] = ()
    reader: str = "features"
    tfds_features: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, int] = field(default_factory=dict)
    input_shape: tuple[int, ...]
    input_dtype: Literal["uint8", "int32", "float32"] = "uint8"
    input_maximum: int | None
    label_shape: tuple[int, ...] = ()
    classes: int
    n_train: int
    n_test: int
    split_seed: int | None = None
    digests: Mapping[str, str]
    shared_rows: int
    licence: str
    source: str

    def __post_init__(self) -> None:
        if self.streamed and self.origin != "tfds":
            raise ValueError(f"data set {self.name!r}: reader {self.reader!r} with origin {self.origin!r}")
        if (self.origin == "tfds") != (self.tfds_name is not None):
            raise ValueError(f"data set {self.name!r}: tfds_name {self.tfds_name!r} with origin {self.origin!r}")
        if self.origin == "embedded" and self.split_seed is None:
            raise ValueError(f"data set {self.name!r}: an embedded set comes unsplit and needs a split_seed")
        if (self.input_dtype == "float32") != (self.input_maximum is None):
            raise ValueError(
                f"data set {self.name!r}: input_maximum {self.input_maximum} with input_dtype {self.input_dtype!r}"
            )

    @property
    def streamed(self) -> bool:
        """Whether images stay in the builder's files and are decoded as they are needed.

        Its inputs as prepared are the SHA-256 of the files, and what a catalog cannot know of data that nobody here has
        prepared, the digests, stands in the manifest and in the records alone.
        """
        return self.reader == "jpeg_places"
