"""One optimiser update of a block of starts: jitted, float64, on the coordinator's CPU; and its way back from NaN.

Owns the arithmetic only; which loss and gradient go in, and what is reported, is the coordinator's.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .optimizers import Optimizer, build_optimizer
from .precision import float64_on_cpu

Numbers: TypeAlias = Array | np.ndarray
"""numpy outside the jitted update, tracers within."""

FREEZE_AFTER = 3
"""Non-finite losses or gradients of a start before it is frozen."""


class StartState(NamedTuple):
    """The optimisation state of a block's starts; leading axis ``lanes`` throughout.

    ``u`` is where the next gradient is taken. ``good_*`` is the last place with a finite loss and gradient, with the
    optimiser's state and number of updates as they were before the update from there.
    """

    u: Float[Numbers, "lanes parameters"]
    optimizer: tuple[Numbers, ...]
    updates: Int[Numbers, " lanes"]
    good_u: Float[Numbers, "lanes parameters"]
    good_optimizer: tuple[Numbers, ...]
    good_updates: Int[Numbers, " lanes"]
    halvings: Int[Numbers, " lanes"]


class StepFacts(NamedTuple):
    """What an update tells the history. ``stepped_back``: loss or gradient (or the update itself) was not finite."""

    gradient_norm: Float[Numbers, " lanes"]
    learning_rate: Float[Numbers, " lanes"]
    stepped_back: Bool[Numbers, " lanes"]


def updater_for(spec: Mapping[str, Any], n_parameters: int) -> Updater:
    """The updater of ``[fit] optimizer``; the same one for the same spec, so that a process compiles it once."""
    return _cached_updater(json.dumps(spec, sort_keys=True, default=dict), n_parameters)


@functools.lru_cache(maxsize=64)
def _cached_updater(spec: str, n_parameters: int) -> Updater:
    return Updater(build_optimizer(json.loads(spec)), n_parameters)


class Updater:
    """Optimiser updates mapped over the starts of a block, compiled once for the run's lane shape."""

    def __init__(self, optimizer: Optimizer, n_parameters: int) -> None:
        self._optimizer = optimizer
        with float64_on_cpu():
            example = optimizer.transformation.init(jnp.zeros(n_parameters))
        self._treedef = jax.tree.structure(example)
        self._init = jax.jit(jax.vmap(self._init_one))
        self._update = jax.jit(jax.vmap(self._update_one))

    @property
    def n_leaves(self) -> int:
        return int(self._treedef.num_leaves)  # type: ignore[attr-defined]

    def init(self, u: Float[np.ndarray, "lanes parameters"]) -> StartState:
        """The state of starts at u before any update."""
        with float64_on_cpu():
            leaves = tuple(np.asarray(leaf) for leaf in self._init(u))
        zero = np.zeros(len(u), np.int64)
        return StartState(u, leaves, zero, u, leaves, zero, zero)

    def apply(
        self,
        state: StartState,
        loss: Float[np.ndarray, " lanes"],
        gradient: Float[np.ndarray, "lanes parameters"],
        active: Bool[np.ndarray, " lanes"],
    ) -> tuple[StartState, StepFacts]:
        """The state after one step; lanes that are not active stay as they are.

        A start whose loss, gradient or update is not finite goes back to its last good place and optimiser state,
        and all its updates from then on are halved (once more each time).
        """
        with float64_on_cpu():
            new, facts = self._update(state, loss, gradient, active)
        return StartState(*_numpy(new)), StepFacts(*_numpy(facts))

    def _init_one(self, u: Array) -> tuple[Array, ...]:
        return tuple(jnp.asarray(leaf) for leaf in jax.tree.leaves(self._optimizer.transformation.init(u)))

    def _update_one(
        self, state: StartState, loss: Array, gradient: Array, active: Array
    ) -> tuple[StartState, StepFacts]:
        tree = jax.tree.unflatten(self._treedef, state.optimizer)
        finite = jnp.isfinite(loss) & jnp.all(jnp.isfinite(gradient))
        # The optimiser only ever sees numbers; what it makes of the stand-ins is thrown away.
        safe_gradient = jnp.where(finite, gradient, 0.0)
        safe_loss = jnp.where(finite, loss, 0.0)
        step, tree = self._optimizer.transformation.update(safe_gradient, tree, state.u, value=safe_loss)
        scale = 0.5 ** state.halvings.astype(jnp.float64)
        moved = state.u + scale * step
        leaves = tuple(
            jnp.asarray(leaf, old.dtype) for leaf, old in zip(jax.tree.leaves(tree), state.optimizer, strict=True)
        )
        finite &= jnp.all(jnp.isfinite(moved))
        for leaf in leaves:
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                finite &= jnp.all(jnp.isfinite(leaf))

        forward, back = active & finite, active & ~finite

        def choose(moved_on: Numbers, good: Numbers, stay: Numbers) -> Array:
            return jnp.where(forward, moved_on, jnp.where(back, good, stay))

        new = StartState(
            u=choose(moved, state.good_u, state.u),
            optimizer=tuple(map(choose, leaves, state.good_optimizer, state.optimizer)),
            updates=choose(state.updates + 1, state.good_updates, state.updates),
            good_u=jnp.where(forward, state.u, state.good_u),
            good_optimizer=tuple(
                jnp.where(forward, now, before)
                for now, before in zip(state.optimizer, state.good_optimizer, strict=True)
            ),
            good_updates=jnp.where(forward, state.updates, state.good_updates),
            halvings=state.halvings + back,
        )
        rate = self._optimizer.rate(jnp.asarray(state.updates), safe_loss)
        facts = StepFacts(
            gradient_norm=jnp.where(active, jnp.sqrt(jnp.sum(jnp.square(gradient))), jnp.nan),
            learning_rate=jnp.where(forward, scale * rate, jnp.nan),
            stepped_back=back,
        )
        return new, facts


def _numpy(fields: Sequence[Any]) -> list[Any]:
    return [tuple(map(np.asarray, f)) if isinstance(f, tuple) else np.asarray(f) for f in fields]
