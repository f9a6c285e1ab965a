"""What the training loop asks of a backend."""

from __future__ import annotations

import hashlib
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainband.benchmarks.backends.logits_digest import logits_digests
from trainband.benchmarks.backends.signals import Signals, from_figures
from trainband.benchmarks.backends.structure import structure_of
from trainband.benchmarks.batches import Batch
from trainband.benchmarks.host_load import DEVICE_KERNEL_SIZE, kernel_matrix, matmul_flops_per_sec
from trainband.benchmarks.initial_weights import initial_value
from trainband.models.specs import Recipe
from trainband.platforms.profiles import Profile

MAX_RESIDENT_BYTES = 1 << 29
_SEEDS = 1 << 32  # as many as Keras takes
_HYPER_PARAMETERS = ("momentum", "nesterov", "beta_1", "beta_2", "epsilon", "weight_decay")
# What only a default can switch on: no recipe states it.
_UNSTATED = ("amsgrad", "use_ema", "ema_momentum", "clipnorm", "clipvalue", "global_clipnorm")


@dataclass(frozen=True)
class VariableEntry:
    """One variable of a model under our own name; `initializer` is None where the framework draws its initial weights."""

    name: str
    role: str
    variable: Any
    initializer: Any
    trainable: bool


@dataclass(frozen=True)
class SlotEntry:
    """One of the optimizer's variables that belongs to a variable of the model.

    Attributes:
      position: the variable's place in `Adapter.variables`.
      slot: momentum, m or v.
      index: the slot's place in `Adapter.optimizer_state`.
    """

    position: int
    slot: str
    index: int


class BackendError(RuntimeError):
    """The backend cannot do what the profile asks; the message says what and why."""


class Adapter(ABC):
    """One model on one backend: compiled steps, synchronisation, placement, memory.

    The order of calls is: construct (nothing has run yet: threads, precision and determinism are set here), `build`,
    `initialize`, then steps and evaluations.
    """

    def __init__(self, profile: Profile, recipe: Recipe, *, loss: str) -> None:
        self.profile = profile
        self.recipe = recipe
        self.loss = loss
        self.model: Any = None
        self._architecture = ""
        self.random_layers = 0
        self.variables: tuple[VariableEntry, ...] = ()
        self.slots: tuple[SlotEntry, ...] = ()
        self.optimizer: Any = None
        self._resident: Any = None
        self._gradients: Sequence[Any] = ()
        self._reads_logits = profile.device == "cpu"

    @property
    def targets_are_inputs(self) -> bool:
        """Whether the loss compares the outputs with the inputs, not with the labels."""
        return self.loss == "reconstruction_error"

    def build(self, architecture: str) -> None:
        """Build the model of `module:function`, its optimizer and its compiled steps."""
        self._architecture = architecture
        self._build(load_architecture(architecture))

    @abstractmethod
    def _build(self, architecture: Callable[[Any], Any]) -> None: ...

    def keep(self, inputs: np.ndarray) -> bool:
        """Keep all training inputs on the device, so that batches need to name rows only; before the first step.

        False where they are augmented on the way, are too large, or this adapter cannot: batches then bring them along.
        """
        fits = self.recipe.augmentation is None and inputs.nbytes <= MAX_RESIDENT_BYTES
        return fits and self._keep(inputs)

    def _keep(self, inputs: np.ndarray) -> bool:
        return False

    @abstractmethod
    def put(self, batches: Sequence[Batch]) -> list[Any]:
        """The device arguments of as many steps as there are batches; called from the prefetching thread."""

    @abstractmethod
    def train_step(self, arguments: Any) -> Any:
        """One update; returns what `sync` and `fetch` take, without waiting for the device."""

    @abstractmethod
    def eval_step(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs of one batch in inference mode: float32 [batch, ...] on the host."""

    @abstractmethod
    def sync(self, step: Any) -> None:
        """Wait until `step`, its update included, is done."""

    @abstractmethod
    def fetch(self, steps: Sequence[Any]) -> Signals:
        """What the steps say of themselves; waits for them, and so for every step before."""

    def _signals(self, figures: np.ndarray, seen: Sequence[np.ndarray]) -> Signals:
        """Of float32 [steps, 3] and, for each step, its logits where the host reads them in place, else their digest."""
        return from_figures(figures, logits_digests(seen) if self._reads_logits else np.stack(seen))

    @abstractmethod
    def gradients(self) -> list[np.ndarray]:
        """Of the newest step's loss by each trainable variable, in model order, before regularisation and clipping."""

    @abstractmethod
    def optimizer_state(self) -> list[np.ndarray]:
        """The optimizer's variables, in its own order."""

    @abstractmethod
    def assign(self, weights: Sequence[np.ndarray], optimizer_state: Sequence[np.ndarray] | None = None) -> None:
        """Set all variables of the model, in model order, and the optimizer's where given."""

    @abstractmethod
    def weights(self) -> list[np.ndarray]:
        """All variables of the model on the host, in model order."""

    @abstractmethod
    def device(self) -> str:
        """Where the variables really live, such as `cpu x1`; raises BackendError if they are spread by mistake."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Framework packages and their versions."""

    def peak_device_bytes(self) -> int | None:
        """Peak memory of the accelerator; None where the device is the host."""
        return None

    def device_matmul(self, matrix: np.ndarray) -> Callable[[], object]:
        """A function that multiplies `matrix` by itself on the accelerator and returns when that is done."""
        raise BackendError(f"backend {self.profile.backend} has no calibration kernel")

    def matmul_flops_per_sec(self) -> float:
        """The measured matrix-multiply rate of the device that trains, float32."""
        if self.profile.device == "cpu":
            return matmul_flops_per_sec()
        multiply = self.device_matmul(kernel_matrix(DEVICE_KERNEL_SIZE))
        return matmul_flops_per_sec(multiply, size=DEVICE_KERNEL_SIZE)

    def hyper_parameters(self) -> dict[str, float]:
        """What rules the update beside the learning rate, as the optimizer itself holds it."""
        names = (*_HYPER_PARAMETERS, *(_UNSTATED if self.recipe.stock else ()))
        found = {name: getattr(self.optimizer, name, None) for name in names}
        held = {name: float(value) for name, value in found.items() if isinstance(value, (int, float))}
        spec = self.recipe.optimizer
        return {**held, "l2": spec.l2, **({"clip_norm": spec.clip_norm} if spec.clip_norm else {})}

    @abstractmethod
    def generator_states(self) -> dict[str, np.ndarray]:
        """States of the generators that the framework's own layers draw from, by name; none of ours does."""

    @abstractmethod
    def restore_generators(self, states: Mapping[str, np.ndarray]) -> None:
        """Set those generators to what `generator_states` gave."""

    def rng_state(self) -> dict[str, str]:
        """Digests of the generators' states."""
        return {name: hashlib.sha256(state.tobytes()).hexdigest() for name, state in self.generator_states().items()}

    def initialize(self, seed: int, *, draws: int | None = None) -> None:
        """Draw every variable from (seed, place), by the initializer that its layer states.

        A stock recipe's are the framework's own: the model is built anew with the framework's generators seeded by
        `seed`, as a user seeds them. Where `draws` is another seed, the model's random layers are of a model seeded so.
        """
        if self.recipe.stock:
            self._build_seeded(seed)
            if draws is not None and draws != seed:
                weights = self.weights()
                self._build_seeded(draws)
                self.assign(weights)
            return
        values = []
        for position, entry in enumerate(self.variables):
            shape = tuple(int(size) for size in entry.variable.shape)
            values.append(initial_value(entry.initializer, shape, seed=seed, position=position))
        self.assign(values)

    def _build_seeded(self, seed: int) -> None:
        import keras

        keras.utils.set_random_seed(seed % _SEEDS)
        self.build(self._architecture)

    def structure(self) -> list[Any]:
        """What of the model the recipe hash covers: see `structure_of`."""
        return structure_of(self.model.layers, self.variables, stock=self.recipe.stock)


def load_architecture(reference: str) -> Callable[[Any], Any]:
    """The function behind `module:function`."""
    module, _, function = reference.partition(":")
    found: Callable[[Any], Any] = getattr(importlib.import_module(module), function)
    return found


def entries_of(model: Any, *, drawn: bool = True) -> tuple[VariableEntry, ...]:
    """Every variable of a flat model under `layer/role`, in model order.

    Args:
      drawn: initial weights are drawn here, and so each layer must state how.
    """
    entries = []
    for layer in model.layers:
        if drawn and getattr(layer, "unit_forget_bias", False):
            raise BackendError(f"layer {layer.name}: unit_forget_bias has no initializer of its own; set it to False")
        trainable = {id(variable) for variable in layer.trainable_weights}
        for variable in layer.weights:
            role = variable.name.split("/")[-1].split(":")[0]
            owner = getattr(layer, "cell", layer)
            initializer = _stated_initializer(owner, role) if drawn else None
            if drawn and initializer is None:
                raise BackendError(f"variable {layer.name}/{role}: its layer states no {role}_initializer")
            entries.append(
                VariableEntry(f"{layer.name}/{role}", role, variable, initializer, id(variable) in trainable)
            )
    return tuple(entries)


def _stated_initializer(owner: Any, role: str) -> Any:
    """The layer's attribute `<role>_initializer`; Keras 3 calls a depthwise kernel `kernel` like any other."""
    stated = (getattr(owner, f"{name}_initializer", None) for name in _INITIALIZERS_OF.get(role, (role,)))
    return next((initializer for initializer in stated if initializer is not None), None)


_INITIALIZERS_OF = {
    "recurrent_kernel": ("recurrent",),
    "depthwise_kernel": ("depthwise",),
    "pointwise_kernel": ("pointwise",),
    "kernel": ("depthwise", "kernel"),
}


def create_adapter(profile: Profile, recipe: Recipe, *, loss: str) -> Adapter:
    """The adapter of the profile's backend; this is what imports the framework."""
    module = importlib.import_module(f"trainband.benchmarks.backends.{profile.backend}")
    adapter: Adapter = module.create(profile, recipe, loss=loss)
    return adapter
