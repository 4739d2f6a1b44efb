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

    def make_trainable(self, key: str, init_val: float | Any = None, verbose: bool = False) -> None:
        """Free a parameter or initial state.

        How the view was made decides what shares a value: `.cell(...)` one value a cell, `.branch(...)` one a branch,
        `.comp(...)` or `.loc(...)` one a compartment, a group or the whole module one in all.

        Args:
            init_val: start value, one or one for each shared value; default the mean of the present ones.
            verbose: print how many values were freed.
        """
        base = self.base
        base._require(key, self._rows, what="make_trainable")
        if not len(self._rows):
            raise ValueError(f"make_trainable({key!r}): the view holds no compartment")
        sharing = np.zeros(len(self._rows), int) if self._sharing is None else self._sharing
        _, group = np.unique(sharing, return_inverse=True)
        n = int(group.max()) + 1
        if init_val is None:
            present = base._nodes[key].to_numpy()[self._rows]
            initial = np.bincount(group, present) / np.bincount(group)
        else:
            initial = np.asarray(init_val, dtype=float)
            if initial.ndim and initial.shape != (n,):
                raise ValueError(f"make_trainable({key!r}): init_val takes one value or {n}, not shape {initial.shape}")
            initial = np.broadcast_to(initial, (n,)).copy()
        for other in base._trainables:
            if other.key == key and np.isin(other.rows, self._rows).any():
                raise ValueError(f"make_trainable({key!r}): some of these compartments are trainable already")
        base._trainables.append(Trainable(key, self._rows.copy(), group, initial))
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
        from .view import View

        updated = []
        for trainable, entry in zip(base._trainables, params, strict=True):
            value = np.asarray(entry[trainable.key], dtype=float)
            View(base, trainable.rows, None).set(trainable.key, value[trainable.group])
            updated.append(Trainable(trainable.key, trainable.rows, trainable.group, value))
        base._trainables = updated
        base._edited()

    def delete_trainables(self) -> None:
        """Free nothing any more in the compartments of the view."""
        keep = [t for t in self.base._trainables if not np.isin(t.rows, self._rows).any()]
        self.base._trainables = keep
        self.base._edited()

    def data_set(self, key: str, val: Any, param_state: list[DataValue] | None = None) -> list[DataValue]:
        """A value as data for `integrate(..., param_state=...)`: differentiable, leaves the module as it is.

        Args:
            val: a scalar or one value for each compartment of the view.
            param_state: earlier data values, to which this one is added.
        """
        self.base._require(key, self._rows, what="data_set")
        shape = jnp.shape(val)
        if shape not in ((), (1,), (len(self._rows),)):
            raise ValueError(f"data_set({key!r}, ...) takes one value or {len(self._rows)}, not shape {shape}")
        return [*(param_state or []), DataValue(key, self._rows.copy(), val)]
