"""What mechanisms read and write, found by running them on abstract arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .lowered import Model
from .mechanisms import Pump
from .membrane import Moment, Seen, current_names
from .synaptic import synaptic_currents


def carried_currents(model: Model, recordings: Sequence[tuple[int, str]] = ()) -> tuple[str, ...]:
    """The currents that a mechanism reads or that are recorded; the others need not be kept."""
    wanted = {key for _, key in recordings} | _probed(model)[0]
    return tuple(n for n in (*current_names(model), *synaptic_currents(model)) if n in wanted)


def moving(model: Model, state: str) -> tuple[str, ...]:
    """Names of the mechanisms that move a state in `update_states`; of "v" these are point neurons."""
    return _probed(model)[1].get(state, ())


def _probed(model: Model) -> tuple[set[str], dict[str, tuple[str, ...]]]:
    everything = {
        **model.states,
        **{n: jnp.zeros((model.n_comp, 1), model.dtype) for n in current_names(model)},
    }
    read: set[str] = set()
    moved: dict[str, tuple[str, ...]] = {}

    def probe(states: dict[str, jax.Array]) -> Any:
        results: list[Any] = []
        moment = Moment(model, states, states["v"])
        for placed in model.mechanisms:
            mechanism = placed.mechanism
            seen, parameters, v = _Watched(moment.states_of(placed)), moment.parameters_of(placed), moment.v(placed)
            dt = jnp.ones((), model.dtype)
            new = mechanism.update_states(seen, dt, v, parameters)
            before = {**seen, "v": v}
            for key in (key for key, value in new.items() if value is not before.get(key)):
                moved[key] = (*moved.get(key, ()), mechanism.name)
            results += [new, mechanism.update_reversals(seen, v, parameters)]
            if mechanism.current_name is not None:
                # Pumps are given their ion's concentration in the place of v.
                at = seen[mechanism.ion_name] if isinstance(mechanism, Pump) else v
                results.append(mechanism.compute_current(seen, at, parameters))
            read.update(seen.read)
        return results

    jax.eval_shape(probe, everything)
    return read, moved


class _Watched(Seen):
    """States that remember which of them were read."""

    def __init__(self, states: Seen) -> None:
        super().__init__(states, states.dtype)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)
