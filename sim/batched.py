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
from .gradient import value_and_gradient
from .inputs import CURRENT
from .lower import lower
from .plan import plan_of
from .reverse_loop import Store, new_store
from .simulate import begin, bytes_of, simulate
from .time_loop import MEMORY_BUDGET, choose_levels
from .types import ParameterTree, Recording

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
        self._own_stimulus = np.asarray(inputs.pop(CURRENT), lowered.model.dtype)
        self._clamps = inputs
        self._dtype = lowered.model.dtype
        self._dt, self._delta_t, self._t_max = jnp.asarray(delta_t, self._dtype), delta_t, t_max
        self._steady, self._memory_budget, self._width = steady, memory_budget, lane_width
        self._compiled: dict[Any, Callable[..., Any]] = {}
        #: By (lanes, steps): levels of the time loop and shapes of the states; and the store that is left from a call.
        self._levels: dict[tuple[int, int], tuple[tuple[int, ...], Any]] = {}
        self._stores: dict[tuple[int, int], Store] = {}

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
        currents = self._own_stimulus[None] if stimuli is None else _on_host(stimuli, self._dtype)
        if currents.ndim != 3 or currents.shape[1] != self._own_stimulus.shape[0]:
            raise ValueError(
                f"stimuli are (n_stimuli, {len(self._own_stimulus)} stimulated compartments, T), not {currents.shape}"
            )
        n_steps = steps_of(self._t_max, self._delta_t, {CURRENT: currents, **self._clamps})
        if len(params) != len(self._keys):
            raise ValueError(f"params has {len(params)} entries, the module {len(self._keys)} trainables")
        values = [_on_host(entry[key], self._dtype) for key, entry in zip(self._keys, params, strict=True)]
        n_stim = currents.shape[0]
        batch = values[0].shape[0] if values else 1
        lanes = batch * n_stim
        width = self._width or min(LANE_WIDTH, lanes)
        of_stimuli = {
            "stimulus": currents,
            "data": data,
            "v_init": None if v_init is None else _on_host(v_init, self._dtype),
            "weights": np.ones(n_stim, self._dtype) if weights is None else _on_host(weights, self._dtype),
        }
        run = self._runner(what, loss, values, width, n_steps, data is None)
        blocks = []
        for first in range(0, lanes, width):
            lane = np.minimum(np.arange(first, first + width), lanes - 1)
            blocks.append(run([v[lane // n_stim] for v in values], of_stimuli, (lane % n_stim).astype(np.int32)))
            if lanes > width:
                jax.block_until_ready(blocks[-1])  # One block's memory at a time.
        return _joined(blocks, batch, n_stim, what == "gradient")

    def _runner(
        self, what: str, loss: Loss | None, values: list[Any], width: int, n_steps: int, without_data: bool
    ) -> Callable[[list[Any], dict[str, Any], np.ndarray], Any]:
        """What runs one block: `_block` or `_gradient_block`, compiled once."""
        key = (what, loss, width, n_steps, without_data)
        if what != "gradient":
            if key not in self._compiled:
                self._compiled[key] = jax.jit(partial(self._block, loss, n_steps))
            return self._compiled[key]
        assert loss is not None
        shape = (width, n_steps)
        if shape not in self._levels:
            by_lane = [jax.ShapeDtypeStruct((v.shape[1], width), self._dtype) for v in values]
            states = jax.eval_shape(partial(begin, self._plan, lanes=width, steady=self._steady), by_lane, self._dt)[1]
            self._levels[shape] = choose_levels(n_steps, bytes_of(states), self._memory_budget), states
        levels, states = self._levels[shape]
        if key not in self._compiled:
            self._compiled[key] = jax.jit(partial(self._gradient_block, loss, n_steps, levels), donate_argnames="store")

        def run(values: list[Any], of_stimuli: dict[str, Any], stimulus: np.ndarray) -> Any:
            store = self._stores.pop(shape, None) or new_store(states, levels)
            each, gradient, self._stores[shape] = self._compiled[key](values, of_stimuli, stimulus, store=store)
            return each, gradient

        return run

    def _block(
        self,
        loss: Loss | None,
        n_steps: int,
        values: list[jax.Array],
        of_stimuli: dict[str, Any],
        stimulus: jax.Array,
    ) -> jax.Array:
        """Recordings [lane, rec, time] or losses [lane] of one block.

        Args:
            values: of each trainable, [lane, value].
            of_stimuli: currents, data, initial voltages and weights, with stimuli in front.
            stimulus: [lane], its number.
        """
        of_lane = _taken(of_stimuli, stimulus)
        recorded, _ = simulate(
            self._plan,
            [v.T for v in values],
            self._inputs(of_lane["stimulus"], n_steps),
            self._dt,
            lanes=stimulus.shape[0],
            v_init=of_lane["v_init"],
            steady=self._steady,
            levels=(n_steps,),
            memory_budget=self._memory_budget,
        )
        return _by_lane(recorded) if loss is None else _losses(loss, recorded, of_lane["data"])

    def _gradient_block(
        self,
        loss: Loss,
        n_steps: int,
        levels: tuple[int, ...],
        values: list[jax.Array],
        of_stimuli: dict[str, Any],
        stimulus: jax.Array,
        store: Store,
    ) -> tuple[jax.Array, list[jax.Array], Store]:
        """Losses and gradients [lane, value] of one block, and the store for the next; see `_block`."""
        of_lane = _taken(of_stimuli, stimulus)

        def objective(recorded: Recording) -> tuple[jax.Array, jax.Array]:
            each = _losses(loss, recorded, of_lane["data"])
            return (each * of_lane["weights"]).sum(), each

        each, gradient, store = value_and_gradient(
            self._plan,
            [v.T for v in values],
            self._inputs(of_lane["stimulus"], n_steps),
            self._dt,
            objective,
            store,
            lanes=stimulus.shape[0],
            v_init=of_lane["v_init"],
            steady=self._steady,
            levels=levels,
        )
        return each, [g.T for g in gradient], store

    def _inputs(self, stimulus: jax.Array, n_steps: int) -> dict[str, jax.Array]:
        inputs = by_step(fitted(self._clamps, n_steps))
        inputs[CURRENT] = jnp.moveaxis(fitted_currents(stimulus, n_steps), (0, 1, 2), (2, 1, 0))
        return inputs


def _on_host(x: Any, dtype: Any) -> Any:
    """As a NumPy array: what a call selects of it is selected without a dispatch. A tracer stays one."""
    return x.astype(dtype) if isinstance(x, jax.core.Tracer) else np.asarray(x, dtype)


def _taken(of_stimuli: dict[str, Any], stimulus: jax.Array) -> dict[str, Any]:
    """What belongs to the stimulus of each lane."""
    return jax.tree.map(lambda x: jnp.asarray(x)[stimulus], of_stimuli)


@partial(jax.jit, static_argnums=(1, 2, 3))
def _joined(blocks: list[Any], batch: int, n_stim: int, with_gradient: bool) -> Any:
    """Results of blocks as (batch, n_stimuli, ...); gradients (batch, value), summed over stimuli."""

    def by_lane(*parts: jax.Array) -> jax.Array:
        joined = jnp.concatenate(parts)[: batch * n_stim]
        return joined.reshape(batch, n_stim, *joined.shape[1:])

    found = jax.tree.map(by_lane, *blocks)
    return (found[0], [g.sum(axis=1) for g in found[1]]) if with_gradient else found


def _by_lane(recorded: Recording) -> jax.Array:
    """[lane, rec, time]."""
    return jnp.moveaxis(recorded, (0, 1, 2), (2, 1, 0))


def _losses(loss: Loss, recorded: Recording, data: Any) -> jax.Array:
    """[lane]."""
    v = _by_lane(recorded)
    return jax.vmap(loss)(v) if data is None else jax.vmap(loss)(v, data)
