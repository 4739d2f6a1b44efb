"""What is put into and read from a model: stimuli, clamps and recordings.

Inputs are kept by kind: "i" for currents, otherwise the name of the clamped state. The compartments (of synaptic
states: the synapses) they belong to are numbers of the whole module; to the outside a synapse is numbered among those
of its type, as its states are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from .edges import position_in_type

if TYPE_CHECKING:
    from .module import Module

#: Kind of the input currents among `externals`.
CURRENT = "i"
#: Inputs given as data: for each its kind, values (n_sites, T) and compartments (or synapses among their type).
DataInputs = tuple[list[str], list[Any], list[np.ndarray]]


class Signals:
    """`stimulate`, `clamp`, `record` and their kin on the compartments and synapses of a view."""

    _edge_sharing: np.ndarray | None

    base: Module
    _rows: np.ndarray

    def stimulate(self, current: Any, verbose: bool = False) -> None:
        """Inject a current (nA): (T,) into every compartment of the view, or (n, T), a row for each.

        Sample k acts in the step from k to k+1. Several stimuli of one compartment add. `verbose` prints how many.
        """
        currents = self._rowwise(np.asarray(current, dtype=float), len(self._rows), "stimulate")
        self.base._add_external(CURRENT, currents, self._rows)
        _tell(verbose, len(self._rows), "external current")

    def clamp(self, state_name: str, state_array: Any, verbose: bool = False) -> None:
        """Hold a state at given values: (T,) for every compartment (or synapse) of the view, or (n, T), a row for each.

        Sample k is the state's value at the end of the step from k to k+1. A run has no more steps than the clamp has
        samples. A state is clamped once: a second clamp takes the place of the first.
        """
        rows = self.base._require(state_name, self, what="clamp")  # type: ignore[arg-type]
        values = self._rowwise(np.asarray(state_array, dtype=float), len(rows), "clamp")
        self.base._add_external(state_name, values, rows)
        _tell(verbose, len(rows), f"clamp of {state_name}")

    def data_stimulate(self, current: Any, data_stimuli: DataInputs | None = None, verbose: bool = False) -> DataInputs:
        """A stimulus as data for `integrate(..., data_stimuli=...)`: differentiable, leaves the module as it is."""
        _tell(verbose, len(self._rows), "external current")
        return _appended(data_stimuli, CURRENT, current, self._rows, "data_stimulate")

    def data_clamp(
        self, state_name: str, state_array: Any, data_clamps: DataInputs | None = None, verbose: bool = False
    ) -> DataInputs:
        """A clamp as data for `integrate(..., data_clamps=...)`: differentiable, leaves the module as it is."""
        rows = self.base._require(state_name, self, what="clamp")  # type: ignore[arg-type]
        _tell(verbose, len(rows), f"clamp of {state_name}")
        return _appended(data_clamps, state_name, state_array, self.base._outward(state_name, rows), "data_clamp")

    def record(self, state: str = "v", verbose: bool = False) -> None:
        """Record a state, or a current, of each compartment (or synapse) of the view, in this order.

        Currents have the names of the mechanisms' `current_name` ("i_Na", mA/cm^2), those of synapses "i_" and the
        synapse's name (nA).
        """
        base = self.base
        rows = base._require(state, self, what="record")  # type: ignore[arg-type]
        base._recordings += [(int(row), state) for row in rows]
        base._edited()
        _tell(verbose, len(rows), "recording")

    def delete_recordings(self) -> None:
        """Remove the recordings of the view's compartments and synapses (of a view of synapses: of these alone)."""
        base = self.base
        base._recordings = [(row, key) for row, key in base._recordings if not self._owns(key, np.asarray([row]))[0]]
        base._edited()

    def delete_stimuli(self) -> None:
        """Remove the stimuli of the view's compartments."""
        if self._edge_sharing is not None:
            raise ValueError("delete_stimuli: synapses have no stimuli; select compartments, e.g. net.cell(0)")
        self._delete_externals([CURRENT])

    def delete_clamps(self, state_name: str | None = None) -> None:
        """Remove the clamps of the view's compartments and synapses (see above), of one state or of all."""
        clamps = [key for key in self.base._externals if key != CURRENT]
        if state_name is not None and state_name not in clamps:
            raise ValueError(f"delete_clamps({state_name!r}): clamped are {clamps or 'none'}")
        self._delete_externals(clamps if state_name is None else [state_name])

    @property
    def rec_info(self) -> pd.DataFrame:
        """Recordings in call order: `rec_index` (compartment, or synapse among those of its type) and `state`."""
        found = [(row, key) for row, key in self.base._recordings if self._holds(key, np.asarray([row]))[0]]
        return pd.DataFrame(
            {
                "rec_index": [int(self.base._outward(key, np.asarray([row]))[0]) for row, key in found],
                "state": [key for _, key in found],
            }
        )

    @property
    def recordings(self) -> pd.DataFrame:
        """The same as `rec_info`."""
        return self.rec_info

    @property
    def externals(self) -> dict[str, jax.Array]:
        """Inputs by kind: "i" in nA, otherwise the clamped state; (n_sites, T)."""
        return {key: jnp.asarray(values[self._inside(key)]) for key, values in self.base._externals.items()}

    @property
    def external_inds(self) -> dict[str, np.ndarray]:
        """Compartment (or synapse among those of its type) of each row of `externals`."""
        inds = self.base._external_inds
        return {key: self.base._outward(key, rows[self._inside(key)]) for key, rows in inds.items()}

    def _inside(self, key: str) -> np.ndarray:
        return self._holds(key, self.base._external_inds[key])

    def _holds(self, key: str, rows: np.ndarray) -> np.ndarray:
        """Which of these compartments (or synapses, where `key` is of theirs) are in the view."""
        mine = self._edge_rows if self.base._is_of_edges(key) else self._rows  # type: ignore[attr-defined]
        return np.isin(rows, mine)

    def _owns(self, key: str, rows: np.ndarray) -> np.ndarray:
        """Which of these are what the view is of: of a view of synapses not the compartments that they join."""
        if self._edge_sharing is not None and not self.base._is_of_edges(key):
            return np.zeros(len(rows), bool)
        return self._holds(key, rows)

    def _delete_externals(self, keys: list[str]) -> None:
        base = self.base
        for key in keys:
            if key not in base._externals:
                continue
            keep = ~self._owns(key, base._external_inds[key])
            base._externals[key], base._external_inds[key] = base._externals[key][keep], base._external_inds[key][keep]
            if not keep.any():
                del base._externals[key], base._external_inds[key]
        base._edited()

    def _rowwise(self, values: np.ndarray, n: int, call: str) -> np.ndarray:
        if values.ndim == 1:
            values = np.broadcast_to(values, (n, values.size))
        if values.ndim != 2 or values.shape[0] not in (1, n):
            raise ValueError(
                f"{call} takes (T,) or one row for each of the {n} compartments ({n}, T), not shape {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{call}: every sample has to be a finite number")
        return np.array(np.broadcast_to(values, (n, values.shape[1])))


def add_external(base: Module, key: str, values: np.ndarray, rows: np.ndarray) -> None:
    """Add inputs of a kind: currents beside those that are there, clamps in their place.

    Rows of one kind have one length: shorter currents end in zeros, shorter clamps in NaN (no run may reach these).
    """
    present, sites = base._externals.get(key), base._external_inds.get(key)
    if present is not None and sites is not None:
        keep = np.ones(len(sites), bool) if key == CURRENT else ~np.isin(sites, rows)
        n = max(present.shape[1], values.shape[1])
        fill = 0.0 if key == CURRENT else np.nan
        padded = [np.pad(a, ((0, 0), (0, n - a.shape[1])), constant_values=fill) for a in (present[keep], values)]
        values, rows = np.concatenate(padded), np.concatenate([sites[keep], rows])
    base._externals[key], base._external_inds[key] = values, np.array(rows)
    base._edited()


def outward(base: Module, key: str, rows: np.ndarray) -> np.ndarray:
    """Numbers as users and states have them: compartments as they are, synapses among those of their type."""
    return position_in_type(base._edges, rows) if base._is_of_edges(key) else np.array(rows)


def inward(base: Module, key: str, indices: np.ndarray) -> np.ndarray:
    """The inverse of `outward`."""
    if not base._is_of_edges(key):
        return np.asarray(indices, dtype=int)
    name = base._type_of(key)
    return np.flatnonzero(base._edges["type"].to_numpy() == name)[np.asarray(indices, dtype=int)]


def _appended(before: DataInputs | None, key: str, values: Any, rows: np.ndarray, call: str) -> DataInputs:
    array = jnp.atleast_2d(jnp.asarray(values))
    if array.ndim != 2 or array.shape[0] not in (1, len(rows)):
        raise ValueError(f"{call} takes (T,) or ({len(rows)}, T), not shape {jnp.shape(values)}")
    array = jnp.broadcast_to(array, (len(rows), array.shape[1]))
    names, arrays, inds = before if before is not None else ([], [], [])
    return [*names, key], [*arrays, array], [*inds, np.array(rows)]


def _tell(verbose: bool, n: int, what: str) -> None:
    if verbose:
        print(f"{n} {what}{'' if n == 1 else 's'} added")
