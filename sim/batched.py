"""The batched simulator: many parameter sets times many stimuli, compiled once. What fitting workers use.

Every simulation is one lane of `[node, lane]` arrays. Lanes are run in blocks of a fixed width, one block after
another; the last block is filled with copies of the last lane. Lane `b * n_stimuli + s` is parameter set b under
stimulus s. All blocks run the same compiled program, so that a lane's result does not depend on how many blocks there
are, nor on the other lanes of its block, to the last bit; its place in the block may decide the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .description.module import Module
from .external import by_step, collect, fitted, fitted_currents, steps_of
from .inputs import CURRENT
from .lower import lower
from .plan import plan_of
from .simulate import simulate
from .time_loop import MEMORY_BUDGET
from .types import ParameterTree

Loss = Callable[..., jax.Array]
#: Lanes of one block where the caller does not choose.
LANE_WIDTH = 64


def batched(
    module: Module,
    delta_t: float = 0.025,
    t_max: float | None = None,
    solver: str = "bwd_euler",
    *,
    dtype: Any = None,
    steady: bool = False,
    memory_budget: int = MEMORY_BUDGET,
    lane_width: int | None = None,
    voltage_solver: str = "auto",
) -> Batched:
    """A simulator of a module for batches of its trainables and stimuli.

    Args:
        delta_t, t_max, solver, voltage_solver: as for `integrate`.
        dtype: floating-point type of the simulation; default JAX's present one.
        steady: start all mechanisms at their steady state at the initial v, for each lane's own parameters.
        memory_budget: bytes of saved states for the gradient of one block.
        lane_width: lanes simulated side by side, always this many; default as many as a call brings, at most 64.
    """
    return Batched(module, delta_t, t_max, solver, dtype, steady, memory_budget, lane_width, voltage_solver)


class Batched:
    """See `batched`. Later edits of the module are not seen."""

    def __init__(
        self,
        module: Module,
        delta_t: float,
        t_max: float | None,
        solver: str,
        dtype: Any,
        steady: bool,
        memory_budget: int,
        lane_width: int | None,
        voltage_solver: str,
    ) -> None:
        base = module.base
        lowered = lower(base, dtype)
        self._keys = [t.key for t in base._trainables]
        sites, inputs = collect(base)
        self._plan, _ = plan_of(base, lowered, base.get_parameters(), (), sites, solver, voltage_solver)
        self._own_stimulus = inputs.pop(CURRENT)
        self._clamps = inputs
        self._dtype = lowered.model.dtype
        self._dt, self._delta_t, self._t_max = jnp.asarray(delta_t, self._dtype), delta_t, t_max
        self._run = partial(simulate, dt=self._dt, steady=steady, memory_budget=memory_budget)
        self._width = lane_width
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def __call__(self, params: ParameterTree, stimuli: Any = None, v_init: Any = None) -> jax.Array:
        """Recordings of every parameter set under every stimulus.

        Args:
            params: the `get_parameters()` tree with a leading batch axis on each leaf.
            stimuli: nA, (n_stimuli, n_sites, T) at the module's stimulated compartments; None: the module's own.
            v_init: mV, (n_stimuli,): initial v of all compartments; None: the module's.

        Returns:
            (batch, n_recordings, n_steps + 1), or (batch, n_stimuli, n_recordings, n_steps + 1) with stimuli.
        """
        v = self._call("traces", None, params, stimuli, None, v_init, None)
        return v[:, 0] if stimuli is None else v

    def losses(self, loss: Loss) -> Callable[..., jax.Array]:
        """`f(params, stimuli=None, data=None, v_init=None)`: losses alone, (batch,) or (batch, n_stimuli)."""

        def run(params: ParameterTree, stimuli: Any = None, data: Any = None, v_init: Any = None) -> jax.Array:
            found = self._call("losses", loss, params, stimuli, data, v_init, None)
            return found[:, 0] if stimuli is None else found

        return run

    def value_and_grad(self, loss: Loss) -> Callable[..., tuple[jax.Array, ParameterTree]]:
        """`f(params, stimuli=None, data=None, v_init=None, weights=None) -> (losses, gradients)`.

        `loss(v)`, or `loss(v, data_k)` where `data` (a tree with leading axis n_stimuli) is given, maps the recordings
        (n_recordings, n_steps + 1) of one simulation to a scalar. Losses are (batch,) or (batch, n_stimuli); gradients
        are of their sum over stimuli, each times its entry of `weights` (n_stimuli,) if given, a tree like `params`.
        """

        def run(
            params: ParameterTree, stimuli: Any = None, data: Any = None, v_init: Any = None, weights: Any = None
        ) -> tuple[jax.Array, ParameterTree]:
            found, gradients = self._call("gradient", loss, params, stimuli, data, v_init, weights)
            tree = [{key: g} for key, g in zip(self._keys, gradients, strict=True)]
            return (found[:, 0] if stimuli is None else found), tree

        return run

    def _call(
        self,
        what: str,
        loss: Loss | None,
        params: ParameterTree,
        stimuli: Any,
        data: Any,
        v_init: Any,
        weights: Any,
    ) -> Any:
        currents = jnp.asarray(self._own_stimulus[None] if stimuli is None else stimuli, self._dtype)
        if currents.ndim != 3 or currents.shape[1] != self._own_stimulus.shape[0]:
            raise ValueError(
                f"stimuli are (n_stimuli, {len(self._own_stimulus)} stimulated compartments, T), not {currents.shape}"
            )
        n_steps = steps_of(self._t_max, self._delta_t, {CURRENT: currents, **self._clamps})
        if len(params) != len(self._keys):
            raise ValueError(f"params has {len(params)} entries, the module {len(self._keys)} trainables")
        values = [jnp.asarray(entry[key], self._dtype) for key, entry in zip(self._keys, params, strict=True)]
        n_stim = currents.shape[0]
        batch = values[0].shape[0] if values else 1
        lanes = batch * n_stim
        width = self._width or min(LANE_WIDTH, lanes)
        given = {
            "stimulus": fitted_currents(currents, n_steps),
            "data": jax.tree.map(jnp.asarray, data),
            "v_init": None if v_init is None else jnp.asarray(v_init, self._dtype),
            "weights": jnp.ones(n_stim, self._dtype) if weights is None else jnp.asarray(weights, self._dtype),
        }
        key = (what, loss, data is None)
        if key not in self._compiled:
            self._compiled[key] = jax.jit(partial(self._block, what, loss))
        blocks = []
        for first in range(0, lanes, width):
            lane = np.minimum(np.arange(first, first + width), lanes - 1)
            of_stimulus = jax.tree.map(lambda x, s=lane % n_stim: x[s], given)
            blocks.append(self._compiled[key]([v[lane // n_stim] for v in values], **of_stimulus))
            if lanes > width:
                jax.block_until_ready(blocks[-1])  # One block's memory at a time.

        def by_lane(*parts: jax.Array) -> jax.Array:
            joined = jnp.concatenate(parts)[:lanes]
            return joined.reshape(batch, n_stim, *joined.shape[1:])

        found = jax.tree.map(by_lane, *blocks)
        if what != "gradient":
            return found
        each, gradients = found
        return each, [g.sum(axis=1) for g in gradients]

    def _block(
        self,
        what: str,
        loss: Loss | None,
        values: list[jax.Array],
        *,
        stimulus: jax.Array,
        data: Any,
        v_init: jax.Array | None,
        weights: jax.Array,
    ) -> Any:
        """One block: every argument has the lanes in front."""
        lanes, _, n_steps = stimulus.shape
        levels = None if what == "gradient" else (n_steps,)

        def traces(values: list[jax.Array]) -> jax.Array:
            inputs = by_step(fitted(self._clamps, n_steps))
            inputs[CURRENT] = jnp.moveaxis(stimulus, (0, 1, 2), (2, 1, 0))
            by_lane = [v.T for v in values]
            recorded, _ = self._run(self._plan, by_lane, inputs, lanes=lanes, v_init=v_init, levels=levels)
            return jnp.moveaxis(recorded, (0, 1, 2), (2, 1, 0))  # lane, rec, time

        def losses(values: list[jax.Array]) -> tuple[jax.Array, jax.Array]:
            assert loss is not None
            v = traces(values)
            each = jax.vmap(loss)(v) if data is None else jax.vmap(loss)(v, data)
            return (each * weights).sum(), each

        if what == "traces":
            return traces(values)
        if what == "losses":
            return losses(values)[1]
        (_, each), gradient = jax.value_and_grad(losses, has_aux=True)(values)
        return each, gradient
