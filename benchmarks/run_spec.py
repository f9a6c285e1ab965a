"""What a child is told and what it answers: two JSON documents, typed on both sides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from trainband.models.dataset_spec import Dataset
from trainband.models.specs import Recipe, ReferenceModel
from trainband.platforms.profiles import Profile
from trainband.results.codec import decode, encode
from trainband.results.records import FactorSeeds, Failure, Measurement, Seeds

SPEC_VERSION = 1
SPEC_FILE = "spec.json"
ANSWER_FILE = "answer.json"
TRACE_FILE = "trace.npz"
RECEIPT_FILE = "receipt.json"
BUILDS_FILE = "builds.json"
INITIAL_FILE = "initial.npz"
REFERENCE_FILE, OWN_FILE, SUBSTITUTED_FILE = "reference.npz", "own.npz", "substituted.npz"


@dataclass(frozen=True, kw_only=True)
class Zoom:
    """A step to be taken layer by layer: the last of the spec's window.

    Attributes:
      own: train up to the step and take it; otherwise only the reference is looked at.
      reference: file with what the layers of both sides are fed; None for this side's own step.
    """

    own: bool
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """Where a run keeps its checkpoint, and goes on from if there is one.

    Attributes:
      every_sec: wall seconds between two checkpoints at least; 0 keeps one wherever the device is idle anyway.
      identity: name -> value of all that the parent knows a training to depend on.
    """

    path: str
    every_sec: float
    identity: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Named pipes of a child that trains block by block: requests come in, replies go out."""

    requests: str
    replies: str


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One training of a cell with one seed, complete: the child looks nothing up.

    Attributes:
      cache_root: where the prepared data lie.
      planned_examples: epochs x floor(n_train / batch) x batch, computed by the parent.
      faults: names of planted faults (`benchmarks.faults`); empty for an honest run.
      cores: cores that the child is bound to; None leaves the choice to the profile's `threads`.
      window: first and last step of a re-run, which looks at the state after each of them and ends there, unevaluated;
        None for a run.
      zoom: what a re-run looks at layer by layer; None for nothing.
      factor_seeds: seeds of single factors in the place of `seed`.
      keeping: None for a run that keeps no checkpoint.
      builds: seeds that the model is only built from; None for a run.
      timing: None for a run; otherwise the child trains when it is asked to, and is neither evaluated nor traced.
      initial_weights: file of the weights that the run begins with; None where they are its own.
      submitted_at: POSIX time at which the parent asked for the run, from which start-up is measured.
    """

    run_id: str
    model: ReferenceModel
    tier: str
    profile: Profile
    seed: int
    dataset: Dataset
    cache_root: str
    planned_examples: int
    submitted_at: float
    faults: tuple[str, ...] = ()
    cores: tuple[int, ...] | None = None
    window: tuple[int, int] | None = None
    zoom: Zoom | None = None
    factor_seeds: FactorSeeds = field(default_factory=FactorSeeds)
    keeping: Keeping | None = None
    builds: tuple[int, ...] | None = None
    timing: Timing | None = None
    initial_weights: str | None = None
    version: int = field(default=SPEC_VERSION)

    @property
    def recipe(self) -> Recipe:
        return self.model.recipe(self.tier)

    @property
    def seeds(self) -> Seeds:
        """The seed of every factor."""
        return self.factor_seeds.resolved(self.seed)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The child's answer: a measurement or a failure, never both; a re-run that went well has neither."""

    run_id: str
    versions: Mapping[str, str] = field(default_factory=dict)
    build_info: Mapping[str, Any] = field(default_factory=dict)
    measurement: Measurement | None = None
    failure: Failure | None = None
    rerun: bool = False
    version: int = field(default=SPEC_VERSION)

    def __post_init__(self) -> None:
        held = [self.measurement is not None, self.failure is not None]
        if sum(held) > 1 or (not any(held) and not self.rerun):
            raise ValueError(f"answer {self.run_id}: needs a measurement or a failure, and not both")


def planned_examples(recipe: Recipe, n_train: int) -> int:
    """Examples that an uninterrupted run trains on; the last partial batch of an epoch is dropped."""
    return recipe.epochs * (n_train // recipe.batch_size) * recipe.batch_size


def recipe_hash(model: ReferenceModel, recipe: Recipe, structure: list[Any]) -> str:
    """sha256 over everything that decides what is learnt: recipe, loss, data set and the model's structure.

    Time limits, priors and the stated `smallest_drop` are left out: they move no weight.
    """
    spec = encode(recipe)
    for name in ("tier", "published", "smallest_drop", "time_limit_sec", "eval_every_epochs"):
        del spec[name]
    body = {"recipe": spec, "loss": model.loss, "dataset": model.dataset_of(recipe.tier), "structure": structure}
    return hashlib.sha256(json.dumps(body, sort_keys=True, allow_nan=False).encode()).hexdigest()


def to_json(document: RunSpec | Answer) -> str:
    """The document as its file's text."""
    return json.dumps(encode(document), indent=1, allow_nan=False) + "\n"


def stored_spec(folder: Path) -> RunSpec:
    """The spec of the stored run in `folder`, its files where they lie now; raises OSError or CodecError."""
    spec = spec_from_json((folder / SPEC_FILE).read_text(encoding="utf-8"))
    return replace(spec, initial_weights=str(folder / INITIAL_FILE)) if spec.initial_weights else spec


def spec_from_json(text: str) -> RunSpec:
    """The spec in `text`; raises CodecError."""
    return decode(RunSpec, json.loads(text))


def answer_from_json(text: str) -> Answer:
    """The answer in `text`; raises CodecError, or json.JSONDecodeError where it is not JSON at all."""
    return decode(Answer, json.loads(text))
