"""The batched simulator: many parameter sets times many stimuli, compiled once. What fitting workers use.

Every simulation is one lane of `[node, lane]` arrays. Lanes are run in blocks of a fixed width, one block after
another; the last block is filled with copies of the last lane. Lane `b * n_stimuli + s` is parameter set b under
stimulus s. All blocks run the same compiled program, so that a lane's result does not depend on how many blocks there
are, nor on the other lanes of its block, to the last bit; its place in the block may decide the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .arranged_synapses import arranged
from .description.module import Module
from .external import by_step, collect, fitted, fitted_currents, steps_of
from .gradient import value_and_gradient
from .inputs import CURRENT
from .lower import lower
from .plan import plan_of
from .reverse_loop import Store, new_store
from .simulate import begin, bytes_of, simulate_into
from .time_loop import MEMORY_BUDGET, choose_levels
from .types import ParameterTree, Recording
from .xla import FULL_VECTOR

Loss = Callable[..., jax.Array]
#: Lanes of one block at most, where the caller does not choose.
LANE_WIDTH = 64
#: Bytes of a block's states at one moment, where the caller does not choose and as long as a block has a whole vector.
#: What the gradient of a step works on is several times as much, and is to stay in a core's second-level cache.
CACHED_STATES = 256 << 10


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
        lane_width: lanes simulated side by side, always this many; default as many as a call brings, made up to whole
            vectors (1, 2, 4, 8 or a multiple of 16), at most `widest_block` of its states on the CPU, 64 elsewhere.
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
        plan, _ = plan_of(base, lowered, base.get_parameters(), (), sites, solver, voltage_solver)
        self._plan = arranged(plan)
        self._own_stimulus = np.asarray(inputs.pop(CURRENT), lowered.model.dtype)
        self._clamps = inputs
        self._dtype = lowered.model.dtype
        self._dt, self._delta_t, self._t_max = jnp.asarray(delta_t, self._dtype), delta_t, t_max
        self._steady, self._memory_budget, self._width = steady, memory_budget, lane_width
        self._compiled: dict[Any, Callable[..., Any]] = {}
        #: Lanes of a block at most, once that is needed.
        self._most: int | None = None
        #: By (lanes, steps): levels of the time loop and shapes of the states; and memory that is left from a call.
        self._levels: dict[tuple[int, int], tuple[tuple[int, ...], Any]] = {}
        self._stores: dict[tuple[int, int], Store] = {}
        self._records: dict[tuple[int, int], Recording] = {}

    def __call__(self, params: ParameterTree, stimuli: Any = None, v_init: Any = None) -> jax.Array:
        """Recordings of every parameter set under every stimulus.

        Args:
            params: the `get_parameters()` tree with a leading batch axis on each leaf.
            stimuli: nA, (n_stimuli, n_sites, T) at the module's stimulated compartments; None: the module's own.
            v_init: mV, (n_stimuli,): initial v of all compartments; None: the module's.

        Returns:
            (batch, n_recordings, n_steps + 1), or (batch, n_stimuli, n_recordings, n_steps + 1) with stimuli.
        """
        return self._call("traces", None, params, stimuli, None, v_init, None)

    def losses(self, loss: Loss) -> Callable[..., jax.Array]:
        """`f(params, stimuli=None, data=None, v_init=None)`: losses alone, (batch,) or (batch, n_stimuli)."""

        def run(params: ParameterTree, stimuli: Any = None, data: Any = None, v_init: Any = None) -> jax.Array:
            return self._call("losses", loss, params, stimuli, data, v_init, None)

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
            return found, [{key: g} for key, g in zip(self._keys, gradients, strict=True)]

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
        width = self._width or self._whole_vectors([v.shape[1] for v in values], lanes)
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
        lead = (batch,) if stimuli is None else (batch, n_stim)
        if what == "gradient":
            return _joined_gradients(blocks, lead, (batch, n_stim))
        return _reshaped(blocks[0], lead) if lanes == width else _joined(blocks, lead)

    def _whole_vectors(self, sizes: Sequence[int], lanes: int) -> int:
        """Lanes of a block for that many: a power of two, or a multiple of FULL_VECTOR up to the most."""
        if lanes <= FULL_VECTOR:
            return 1 << (lanes - 1).bit_length()
        if self._most is None:
            on_cpu = jax.default_backend() == "cpu"
            self._most = widest_block(bytes_of(self._states(sizes, 1))) if on_cpu else LANE_WIDTH
        return min(self._most, -(-lanes // FULL_VECTOR) * FULL_VECTOR)

    def _states(self, sizes: Sequence[int], lanes: int) -> Any:
        """Shapes of the states, for the numbers of values of the trainables."""
        by_lane = [jax.ShapeDtypeStruct((n, lanes), self._dtype) for n in sizes]
        return jax.eval_shape(partial(begin, self._plan, lanes=lanes, steady=self._steady), by_lane, self._dt)[1]

    def _runner(
        self, what: str, loss: Loss | None, values: list[Any], width: int, n_steps: int, without_data: bool
    ) -> Callable[[list[Any], dict[str, Any], np.ndarray], Any]:
        """What runs one block: `_block` or `_gradient_block`, compiled once, with the memory that it works in."""
        key, shape = (what, loss, width, n_steps, without_data), (width, n_steps)
        if what == "gradient" and shape not in self._levels:
            states = self._states([v.shape[1] for v in values], width)
            self._levels[shape] = choose_levels(n_steps, bytes_of(states), self._memory_budget), states
        if key not in self._compiled:
            block: Callable[..., Any] = partial(self._block, loss, n_steps)
            if what == "gradient":
                assert loss is not None
                block = partial(self._gradient_block, loss, n_steps, self._levels[shape][0])
            self._compiled[key] = jax.jit(block, donate_argnames="room")
        function = self._compiled[key]

        def run(values: list[Any], of_stimuli: dict[str, Any], stimulus: np.ndarray) -> Any:
            record = self._records.pop(shape, None)
            if record is None:
                record = jnp.zeros((self._plan.reading.n, n_steps + 1, width), self._dtype)
            room: Any = record
            if what == "gradient":
                levels, states = self._levels[shape]
                room = self._stores.pop(shape, None) or new_store(states, levels), record
            found, room = function(values, of_stimuli, stimulus, room=room)
            if not _is_traced((values, of_stimuli)):
                if what == "gradient":
                    self._stores[shape], self._records[shape] = room
                else:
                    self._records[shape] = room
            return found

        return run

    def _block(
        self,
        loss: Loss | None,
        n_steps: int,
        values: list[jax.Array],
        of_stimuli: dict[str, Any],
        stimulus: jax.Array,
        room: Recording,
    ) -> tuple[jax.Array, Recording]:
        """Recordings [lane, rec, time] or losses [lane] of one block, and the room for the next call's recordings.

        Args:
            values: of each trainable, [lane, value].
            of_stimuli: currents, data, initial voltages and weights, with stimuli in front.
            stimulus: [lane], its number.
        """
        of_lane = _taken(of_stimuli, stimulus)
        constants, states = begin(
            self._plan,
            [v.T for v in values],
            self._dt,
            lanes=stimulus.shape[0],
            v_init=of_lane["v_init"],
            steady=self._steady,
        )
        record = simulate_into(room, self._plan, constants, states, self._inputs(of_lane["stimulus"], n_steps))
        return (jnp.moveaxis(record, -1, 0) if loss is None else _losses(loss, record, of_lane["data"])), record

    def _gradient_block(
        self,
        loss: Loss,
        n_steps: int,
        levels: tuple[int, ...],
        values: list[jax.Array],
        of_stimuli: dict[str, Any],
        stimulus: jax.Array,
        room: tuple[Store, Recording],
    ) -> tuple[tuple[jax.Array, list[jax.Array]], tuple[Store, Recording]]:
        """Losses and gradients [lane, value] of one block, and the room for the next; see `_block`."""
        of_lane = _taken(of_stimuli, stimulus)

        def objective(recorded: Recording) -> tuple[jax.Array, jax.Array]:
            each = _losses(loss, recorded, of_lane["data"])
            return (each * of_lane["weights"]).sum(), each

        each, gradient, store, record = value_and_gradient(
            self._plan,
            [v.T for v in values],
            self._inputs(of_lane["stimulus"], n_steps),
            self._dt,
            objective,
            *room,
            lanes=stimulus.shape[0],
            v_init=of_lane["v_init"],
            steady=self._steady,
            levels=levels,
        )
        return (each, [g.T for g in gradient]), (store, record)

    def _inputs(self, stimulus: jax.Array, n_steps: int) -> dict[str, jax.Array]:
        inputs = by_step(fitted(self._clamps, n_steps))
        inputs[CURRENT] = jnp.moveaxis(fitted_currents(stimulus, n_steps), (0, 1, 2), (2, 1, 0))
        return inputs


def widest_block(state_bytes: int) -> int:
    """Lanes of a block at most on the CPU, for the bytes of one lane's states: 16, 32 or 64.

    The processor reads what it works on several times a step, which must not come from far.
    """
    width = LANE_WIDTH
    while width > FULL_VECTOR and width * state_bytes > CACHED_STATES:
        width //= 2
    return width


def _on_host(x: Any, dtype: Any) -> Any:
    """As a NumPy array: what a call selects of it is selected without a dispatch. A tracer stays one."""
    return x.astype(dtype) if isinstance(x, jax.core.Tracer) else np.asarray(x, dtype)


def _is_traced(tree: Any) -> bool:
    return any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves(tree))


def _taken(of_stimuli: dict[str, Any], stimulus: jax.Array) -> dict[str, Any]:
    """What belongs to the stimulus of each lane."""
    return jax.tree.map(lambda x: jnp.asarray(x)[stimulus], of_stimuli)


@partial(jax.jit, static_argnames="lead", donate_argnames="block")
def _reshaped(block: jax.Array, lead: tuple[int, ...]) -> jax.Array:
    """[*lead, ...] of [lane, ...], the same memory."""
    return block.reshape(*lead, *block.shape[1:])


@partial(jax.jit, static_argnames="lead")
def _joined(blocks: Sequence[jax.Array], lead: tuple[int, ...]) -> jax.Array:
    """[*lead, ...] of blocks [lane, ...], the last of which may be longer than what is left."""
    return jnp.concatenate(blocks)[: math.prod(lead)].reshape(*lead, *blocks[0].shape[1:])


@partial(jax.jit, static_argnames=("lead", "by_stimulus"))
def _joined_gradients(
    blocks: Sequence[tuple[jax.Array, list[jax.Array]]], lead: tuple[int, ...], by_stimulus: tuple[int, int]
) -> tuple[jax.Array, list[jax.Array]]:
    """Losses [*lead], and gradients [batch, value] summed over stimuli."""
    each, gradients = zip(*blocks, strict=True)
    summed = [_joined(parts, by_stimulus).sum(axis=1) for parts in zip(*gradients, strict=True)]
    return _joined(each, lead), summed


def _losses(loss: Loss, recorded: Recording, data: Any) -> jax.Array:
    """[lane]. Lanes stay the last axis as long as the loss goes element by element or sums."""
    if data is None:
        return jax.vmap(loss, in_axes=-1)(recorded)
    return jax.vmap(loss, in_axes=(-1, 0))(recorded, data)
