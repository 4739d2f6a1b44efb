"""What enters a run from outside at each step: currents, and values that states are held at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .cable import VOLTAGE
from .lowered import IndexMap, Model
from .membrane import States
from .row_sums import added_rows
from .types import CompLanes, Indices

#: Kind of the input currents; every other kind is the name of a clamped state.
CURRENT = "i"
#: Values of one step by kind, [site, #lane]; or of all steps, [time, site, #lane].
Now = Mapping[str, jax.Array]


class Inputs(eqx.Module):
    """Where the values of each kind go: `rows[k]` of the lowered array of `kinds[k]`; currents into compartments."""

    kinds: tuple[str, ...] = eqx.field(static=True)
    rows: tuple[Indices, ...]

    @classmethod
    def make(cls, index: IndexMap, sites: Mapping[str, np.ndarray]) -> Inputs:
        """For compartments (or synapses) of the user's numbers."""
        rows = [index.rows(VOLTAGE if kind == CURRENT else kind, where) for kind, where in sites.items()]
        return cls(tuple(sites), tuple(jnp.asarray(r, jnp.int32) for r in rows))

    def injected(self, now: Now, n_comp: int, lanes: int) -> CompLanes:
        """Currents in nA summed onto the compartments."""
        values = now[CURRENT]
        values = jnp.broadcast_to(values, (values.shape[0], lanes))
        where = self.rows[self.kinds.index(CURRENT)]
        return added_rows(values, [jnp.arange(where.shape[0], dtype=where.dtype)], [where], [1], n_comp)

    def clamped(self, states: States, now: Now, kinds: Sequence[str]) -> States:
        """`states` with the clamped values of these kinds in place."""
        new = dict(states)
        for kind, rows in zip(self.kinds, self.rows, strict=True):
            if kind in kinds:
                value = now[kind].astype(new[kind].dtype)
                new[kind] = new[kind].at[rows].set(jnp.broadcast_to(value, (rows.shape[0], new[kind].shape[1])))
        return new


def clamped_kinds(inputs: Inputs, model: Model) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The clamped states: those set before the voltage and diffusion are solved, and those set after."""
    spreading = (VOLTAGE, *model.diffusing)
    clamps = [kind for kind in inputs.kinds if kind != CURRENT]
    return tuple(k for k in clamps if k not in spreading), tuple(k for k in clamps if k in spreading)
