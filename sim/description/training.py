"""Which values of a model are free: trainables with their sharing, and values given as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from ..types import ParameterTree

if TYPE_CHECKING:
    from .module import Module


@dataclass(frozen=True)
class Trainable:
    """One free quantity: `rows[i]` takes value number `group[i]` of the parameter array."""

    key: str
    rows: np.ndarray
    group: np.ndarray
    initial: np.ndarray


@dataclass(frozen=True)
class DataValue:
    """A value bound for one run: `value` is a scalar or one entry for each of `rows`."""

    key: str
    rows: np.ndarray
    value: Any


class Training:
    """`make_trainable`, `get_parameters`, `write_trainables`, `data_set` on the compartments of a view."""

    base: Module
    _rows: np.ndarray
    _sharing: np.ndarray | None
    _edge_sharing: np.ndarray | None

    @property
    def _edge_rows(self) -> np.ndarray:
        raise NotImplementedError

    def make_trainable(self, key: str, init_val: float | Any = None, verbose: bool = False) -> None:
        """Free a parameter or initial state.

        How the view was made decides what shares a value: `.cell(...)` one value a cell, `.branch(...)` one a branch,
        `.comp(...)` or `.loc(...)` one a compartment, a group or the whole module one in all; `.edge(...)` one a
        synapse, a type of synapse or a view of compartments one for all synapses in it.

        Args:
            init_val: start value, one or one for each shared value; default the mean of the present ones.
            verbose: print how many values were freed.
        """
        base = self.base
        rows = base._require(key, self, what="make_trainable")  # type: ignore[arg-type]
        if not len(rows):
            raise ValueError(f"make_trainable({key!r}): the view holds no compartment")
        sharing = self._sharing
        if base._is_of_edges(key):
            sharing = self._edge_sharing
            sharing = None if sharing is None else sharing[np.isin(self._edge_rows, rows)]
        _, group = np.unique(np.zeros(len(rows), int) if sharing is None else sharing, return_inverse=True)
        n = int(group.max()) + 1
        if init_val is None:
            present = base._values(key, rows)
            initial = np.bincount(group, present) / np.bincount(group)
        else:
            initial = np.asarray(init_val, dtype=float)
            if initial.ndim and initial.shape != (n,):
                raise ValueError(f"make_trainable({key!r}): init_val takes one value or {n}, not shape {initial.shape}")
            initial = np.broadcast_to(initial, (n,)).copy()
        for other in base._trainables:
            if other.key == key and np.isin(other.rows, rows).any():
                raise ValueError(f"make_trainable({key!r}): some of these values are trainable already")
        base._trainables.append(Trainable(key, rows.copy(), group, initial))
        base._edited()
        if verbose:
            print(f"{n} trainable value{'s' if n > 1 else ''} of {key} added")

    def get_parameters(self) -> ParameterTree:
        """The trainables' values in the order they were freed: `[{key: (n_values,)}, ...]`."""
        return [{t.key: jnp.asarray(t.initial, dtype=float)} for t in self.base._trainables]

    def write_trainables(self, params: ParameterTree) -> None:
        """Write trained values (a tree as `get_parameters` gives) into the table and as new start values."""
        base = self.base
        if len(params) != len(base._trainables):
            raise ValueError(f"write_trainables: {len(base._trainables)} trainables, but {len(params)} values given")
        updated = []
        for trainable, entry in zip(base._trainables, params, strict=True):
            value = np.asarray(entry[trainable.key], dtype=float)
            base._set(trainable.key, trainable.rows, value[trainable.group])
            updated.append(Trainable(trainable.key, trainable.rows, trainable.group, value))
        base._trainables = updated
        base._edited()

    def delete_trainables(self) -> None:
        """Free nothing any more in the compartments and synapses of the view (of one of synapses: in these alone)."""
        keep = [t for t in self.base._trainables if not self._owns(t.key, t.rows).any()]  # type: ignore[attr-defined]
        self.base._trainables = keep
        self.base._edited()

    def data_set(self, key: str, val: Any, param_state: list[DataValue] | None = None) -> list[DataValue]:
        """A value as data for `integrate(..., param_state=...)`: differentiable, leaves the module as it is.

        Args:
            val: a scalar or one value for each compartment (or synapse) of the view.
            param_state: earlier data values, to which this one is added.
        """
        rows = self.base._require(key, self, what="data_set")  # type: ignore[arg-type]
        shape = jnp.shape(val)
        if shape not in ((), (1,), (len(rows),)):
            raise ValueError(f"data_set({key!r}, ...) takes one value or {len(rows)}, not shape {shape}")
        return [*(param_state or []), DataValue(key, rows.copy(), val)]
