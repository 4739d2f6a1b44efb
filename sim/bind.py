"""Binding values to a lowered model: trainables and data values become parameter arrays; recordings are read out.

Pure functions of arrays; the plan (what goes where) is made once on the host from a description's bookkeeping. What
enters at each step is in inputs.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .assembly import assemble
from .geometry_scaling import GEOMETRY_EXPONENTS
from .lowered import IndexMap, Model
from .row_sums import added_rows
from .types import Indices


class Binding(eqx.Module):
    """Entry `rows[i]` of the lowered array `key` takes value number `source[i]`."""

    key: str = eqx.field(static=True)
    rows: Indices
    source: Indices

    @classmethod
    def make(cls, index: IndexMap, key: str, user_rows: np.ndarray, source: np.ndarray) -> Binding:
        """For compartments (or synapses, where `key` is of theirs) of the user's numbers."""
        return cls(key, jnp.asarray(index.rows(key, user_rows), jnp.int32), jnp.asarray(source, jnp.int32))


def bind_values(model: Model, bindings: Sequence[Binding], values: Sequence[jax.Array]) -> Model:
    """`model` with the values of each binding, [value] or [value, lane], in place; later ones win."""
    cable, parameters, states = dict(model.cable), dict(model.parameters), dict(model.states)
    for binding, value in zip(bindings, values, strict=True):
        home = next(d for d in (cable, parameters, states) if binding.key in d)
        value = jnp.asarray(value, model.dtype)
        by_lane = value[:, None] if value.ndim == 1 else value
        old = home[binding.key]
        lanes = max(old.shape[1], by_lane.shape[1])
        old = jnp.broadcast_to(old, (old.shape[0], lanes))
        new = by_lane[binding.source]
        new = jnp.broadcast_to(new, (new.shape[0], lanes))
        home[binding.key] = old.at[binding.rows].set(new)
        if binding.key in ("length", "radius"):
            _scale_geometry(cable, ("length", "radius").index(binding.key), home[binding.key] / old)
    return eqx.tree_at(lambda m: (m.cable, m.parameters, m.states), model, (cable, parameters, states))


def _scale_geometry(cable: dict[str, jax.Array], which: int, ratio: jax.Array) -> None:
    for name, powers in GEOMETRY_EXPONENTS.items():
        cable[name] = cable[name] * ratio ** powers[which]


class Reading(eqx.Module):
    """Recordings: `keys[k]` read at `rows[k]`, in the order of the calls."""

    keys: tuple[str, ...] = eqx.field(static=True)
    rows: tuple[Indices, ...]

    @classmethod
    def make(cls, index: IndexMap, recordings: Sequence[tuple[int, str]]) -> Reading:
        """For (compartment in the user's order, state); neighbours of one state are read together."""
        keys: list[str] = []
        rows: list[list[int]] = []
        for row, key in recordings:
            if not keys or keys[-1] != key:
                keys.append(key)
                rows.append([])
            rows[-1].append(int(index.rows(key, np.asarray([row]))[0]))
        return cls(tuple(keys), tuple(jnp.asarray(r, jnp.int32) for r in rows))

    @property
    def n(self) -> int:
        """How many values are recorded."""
        return sum(rows.shape[0] for rows in self.rows)

    def read(self, states: dict[str, Any]) -> jax.Array:
        """[rec, lane]."""
        return assemble([_rows(states[key], rows) for key, rows in zip(self.keys, self.rows, strict=True)])


def _rows(x: jax.Array, rows: Indices) -> jax.Array:
    """x[rows], by a loop: XLA would look up each element by itself, and fuse one row into what is around."""
    n = rows.shape[0]
    return added_rows(x, [rows], [jnp.arange(n, dtype=rows.dtype)], (1,), n)
