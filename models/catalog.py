"""The registry: every reference model, ours and those that other packages add. Imports no framework."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from trainband.models.datasets import DATASETS, SYNTHETIC
from trainband.models.rows import digits, images, language, others
from trainband.models.rows.large import LARGE
from trainband.models.specs import ReferenceModel

ENTRY_POINT_GROUP = "trainband.models"
BUILT_IN = (
    images.MLP_DIGITS,
    images.CNN_DIGITS,
    images.RESNET_DIGITS,
    digits.LSTM_DIGITS,
    digits.VIT_DIGITS,
    digits.TOKENS_DIGITS,
    digits.STOCK_DIGITS,
    images.MLP_MNIST,
    images.LENET5_MNIST,
    images.CNN_FASHION_MNIST,
    images.AUTOENCODER_FASHION_MNIST,
    images.VIT_FASHION_MNIST,
    images.RESNET20_CIFAR10,
    images.RESNET56_CIFAR10,
    images.RESNET9_CIFAR10,
    language.CHARGPT_TINY_SHAKESPEARE,
    language.CHARGPT_LARGE_TINY_SHAKESPEARE,
    language.CHARLSTM_TINY_SHAKESPEARE,
    language.TEXTCNN_CLINC_OOS,
    language.BOW_GOEMOTIONS,
    others.CNN_SPOKEN_DIGIT,
    others.NEUMF_MOVIELENS,
    others.MLP_PENGUINS,
    *LARGE,
)


class CatalogError(ValueError):
    """A row that cannot stand in the registry."""


def register(rows: Iterable[ReferenceModel]) -> dict[str, ReferenceModel]:
    """Rows by name; raises CatalogError where a name stands twice."""
    found: dict[str, ReferenceModel] = {}
    for row in rows:
        if row.name in found:
            owners = f"{found[row.name].owner} and {row.owner}"
            raise CatalogError(f"model {row.name!r} is registered twice (by {owners}); rename one")
        for name in (row.dataset, row.synthetic):
            if name is not None and name not in DATASETS and name not in SYNTHETIC:
                raise CatalogError(
                    f"model {row.name!r} of {row.owner}: no data set {name!r}; there are {', '.join(DATASETS)}"
                )
        found[row.name] = row
    return found


@cache
def load_catalog() -> MappingProxyType[str, ReferenceModel]:
    """Every reference model by name: the built-in rows, then those of the entry points `trainband.models`.

    An entry point names a ReferenceModel, an iterable of them, or a function without arguments that gives either.
    """
    added = (row for point in entry_points(group=ENTRY_POINT_GROUP) for row in _rows_of(point))
    return MappingProxyType(register([*BUILT_IN, *added]))


def _rows_of(point: EntryPoint) -> Iterator[ReferenceModel]:
    """The rows that an entry point names, as its distribution's; whatever fails in it is told as the package's fault."""
    distribution = point.dist.name if point.dist else "an unknown distribution"
    source = f"entry point {point.name!r} of {distribution}"
    try:
        value = point.load()
        value = value() if callable(value) else value
        rows = [value] if isinstance(value, ReferenceModel) else list(value)
    except Exception as error:  # a stranger's module may raise anything
        raise CatalogError(f"{source}: {point.value} does not load: {type(error).__name__}: {error}") from error
    for row in rows:
        if not isinstance(row, ReferenceModel):
            raise CatalogError(f"{source}: {row!r} is no ReferenceModel")
        yield replace(row, owner=distribution)


def find_model(name: str) -> ReferenceModel:
    """The model called `name`; raises KeyError with the names that there are and the nearest one."""
    catalog = load_catalog()
    if name in catalog:
        return catalog[name]
    near = difflib.get_close_matches(name, catalog, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise KeyError(f"no model {name!r}; the catalog has {', '.join(map(repr, catalog))}{hint}")
