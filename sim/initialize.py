"""States at the start of a run: those of the table, or the steady state at v. Pure functions of the lowered model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from .lowered import Model, Placed
from .membrane import Moment, Seen, States, current_names, merge, reversals

if TYPE_CHECKING:
    from .description.module import Module


def initial_states(
    model: Model, lanes: int, carried: tuple[str, ...], dt: jax.Array, v_init: jax.Array | None, steady: bool
) -> States:
    """The carry of the time loop at t = 0, every array with all its lanes.

    Args:
        carried: the membrane currents to carry; zero, since no step has been made.
        v_init: mV for each lane, in all compartments; None: the table's.
        steady: put every mechanism's states at their steady state at v.
    """
    states = {key: jnp.broadcast_to(x, (x.shape[0], lanes)) for key, x in model.states.items()}
    if v_init is not None:
        states["v"] = jnp.broadcast_to(v_init.astype(model.dtype), states["v"].shape)
    zero = jnp.zeros((model.n_comp, lanes), model.dtype)
    states.update(dict.fromkeys(carried, zero))
    if steady:
        states = steady_states(model, states, dt)
    return {**states, "v": states["v"][model.v_from]}


def steady_states(model: Model, states: States, dt: jax.Array) -> States:
    """`states` with every mechanism at rest at "v" (compartments): concentrations first, then what depends on them."""
    v = states["v"]
    without_currents = {**states, **{n: jnp.zeros_like(v) for n in current_names(model)}}

    def at_rest(states: States, placed: Placed) -> States:
        moment = Moment(model, states, v)
        seen, parameters = moment.states_of(placed), moment.parameters_of(placed)
        return merge(model, placed, states, placed.mechanism.init_state(seen, moment.v(placed), parameters, dt))

    first = [p for p in model.mechanisms if p.mechanism.writes_concentrations]
    new = without_currents
    for placed in first:
        new = at_rest(new, placed)
    new = reversals(model, new, v)
    for placed in model.mechanisms:
        if placed not in first:
            new = at_rest(new, placed)
    return {key: new[key] for key in states}


def carried_currents(model: Model, recordings: Sequence[tuple[int, str]] = ()) -> tuple[str, ...]:
    """The membrane currents that a mechanism reads or that are recorded; the others need not be kept."""
    names = current_names(model)
    wanted = {key for _, key in recordings}
    everything = {**model.states, **{n: jnp.zeros((model.n_comp, 1), model.dtype) for n in names}}

    def probe(states: dict[str, jax.Array]) -> Any:
        results: list[Any] = []
        moment = Moment(model, states, states["v"])
        for placed in model.mechanisms:
            seen, parameters, v = _Watched(moment.states_of(placed)), moment.parameters_of(placed), moment.v(placed)
            dt = jnp.ones((), model.dtype)
            results.append(placed.mechanism.update_states(seen, dt, v, parameters))
            results.append(placed.mechanism.update_reversals(seen, v, parameters))
            if placed.mechanism.current_name is not None:
                results.append(placed.mechanism.compute_current(seen, v, parameters))
            wanted.update(seen.read)
        return results

    jax.eval_shape(probe, everything)
    return tuple(n for n in names if n in wanted)


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


def write_steady_states(module: Module, delta_t: float) -> None:
    """Write the steady state at the table's v into the table of a module."""
    from .lower import lower

    lowered = lower(module)
    model, index = lowered.model, lowered.index
    found = steady_states(model, dict(model.states), jnp.asarray(delta_t, model.dtype))
    for key, values in found.items():
        if key == "v":
            continue
        comps = index.rows_of.get(key)
        if comps is None:
            rows = np.flatnonzero(module.base._nodes[key].notna().to_numpy())
            lanes = np.asarray(values)[index.comp_of_user[rows], 0]
        else:
            rows, lanes = index.user_of_comp[comps], np.asarray(values)[:, 0]
        module.base._write(key, rows, lanes.astype(float))
