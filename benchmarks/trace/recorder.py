"""Which steps of a run are looked at closely, and what is seen there."""

from __future__ import annotations

import time

from trainband.benchmarks.backends.base import Adapter
from trainband.benchmarks.trace.tensors import INITIAL, StateDigests, digests_of, state_digests, tensor_keys


class StateRecorder:
    """Takes digests of the whole state at steps 0, 1, 2, 4, 8, ... and at each epoch's last; or at every step of a window.

    Attributes:
      states: what was seen, in order.
      cpu_sec: what looking took.
      disturbed: steps after which an evaluation changed the running statistics.
    """

    def __init__(self, adapter: Adapter, *, steps_per_epoch: int, window: range | None = None) -> None:
        """`window` names the steps instead, one by one."""
        self._adapter = adapter
        self._steps_per_epoch = steps_per_epoch
        self._window = window
        self.keys = tensor_keys(adapter)
        self.states: list[StateDigests] = []
        self.cpu_sec = 0.0
        self.disturbed: list[int] = []
        self._statistics = [place for place, key in enumerate(self.keys) if key.kind == "statistic"]

    def due(self, step: int) -> bool:
        """Whether the state after `step` is to be looked at."""
        if self._window is not None:
            return step in self._window
        return step & (step - 1) == 0 or (step + 1) % self._steps_per_epoch == 0

    def observe(self, step: int = INITIAL) -> None:
        """Look at the state after `step`, the newest one; the device must be idle."""
        start = time.process_time()
        self.states.append(state_digests(self._adapter, step))
        self.cpu_sec += time.process_time() - start

    def evaluated(self, step: int) -> None:
        """Note whether an evaluation after `step`, the newest one, changed the statistics that were seen before it."""
        seen = self.states[-1]
        if not self._statistics or seen.step != step:
            return
        start = time.process_time()
        values = self._adapter.weights()
        digests, _ = digests_of(values[self.keys[place].position] for place in self._statistics)
        if (digests != seen.digests[self._statistics]).any():
            self.disturbed.append(step)
        self.cpu_sec += time.process_time() - start
