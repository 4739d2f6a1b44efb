"""What is put into and read from a model: stimuli and recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from .module import Module

#: Stimuli given as data: currents (n_sites, T) in nA and the compartments they enter.
DataStimuli = tuple[Any, np.ndarray]


class Signals:
    """`stimulate`, `record` and their kin on the compartments of a view."""

    base: Module
    _rows: np.ndarray

    def stimulate(self, current: Any) -> None:
        """Inject a current (nA): (T,) into every compartment of the view, or (n, T), a row for each.

        Sample k acts in the step from k to k+1. Several stimuli of one compartment add.
        """
        currents = self._rowwise(np.asarray(current, dtype=float), "stimulate")
        base = self.base
        present, rows = base._externals.get("i"), base._external_inds.get("i")
        if present is not None and rows is not None:
            n = max(present.shape[1], currents.shape[1])
            present, currents = (np.pad(a, ((0, 0), (0, n - a.shape[1]))) for a in (present, currents))
            base._externals["i"] = np.concatenate([present, currents])
            base._external_inds["i"] = np.concatenate([rows, self._rows])
        else:
            base._externals["i"], base._external_inds["i"] = currents, self._rows.copy()
        base._edited()

    def data_stimulate(self, current: Any, data_stimuli: DataStimuli | None = None) -> DataStimuli:
        """A stimulus as data for `integrate(..., data_stimuli=...)`: differentiable, leaves the module as it is."""
        currents = jnp.asarray(current)
        currents = jnp.broadcast_to(jnp.atleast_2d(currents), (len(self._rows), currents.shape[-1]))
        if data_stimuli is None:
            return currents, self._rows.copy()
        before, rows = data_stimuli
        if before.shape[1] != currents.shape[1]:
            raise ValueError(
                f"data_stimulate: stimuli of one call have one length, here {before.shape[1]} and {currents.shape[1]} "
                "samples; pad the shorter one with zeros"
            )
        return jnp.concatenate([before, currents]), np.concatenate([rows, self._rows])

    def record(self, state: str = "v") -> None:
        """Record a state (or a membrane current such as "i_Na") of each compartment of the view, in this order."""
        base = self.base
        base._require(state, self._rows, what="record")
        base._recordings += [(int(row), state) for row in self._rows]
        base._edited()

    def delete_recordings(self) -> None:
        """Remove the recordings of the view's compartments."""
        rows = set(self._rows.tolist())
        self.base._recordings = [r for r in self.base._recordings if r[0] not in rows]
        self.base._edited()

    def delete_stimuli(self) -> None:
        """Remove the stimuli of the view's compartments."""
        base = self.base
        if "i" in base._externals:
            keep = ~np.isin(base._external_inds["i"], self._rows)
            base._externals["i"], base._external_inds["i"] = base._externals["i"][keep], base._external_inds["i"][keep]
            if not keep.any():
                del base._externals["i"], base._external_inds["i"]
        base._edited()

    @property
    def rec_info(self) -> pd.DataFrame:
        """Recordings in call order: `rec_index` (compartment) and `state`."""
        rows = set(self._rows.tolist())
        found = [r for r in self.base._recordings if r[0] in rows]
        return pd.DataFrame({"rec_index": [r[0] for r in found], "state": [r[1] for r in found]})

    @property
    def externals(self) -> dict[str, np.ndarray]:
        """Stimuli by kind: "i" (n_sites, T) in nA."""
        return {key: value[self._sites(key)] for key, value in self.base._externals.items()}

    @property
    def external_inds(self) -> dict[str, np.ndarray]:
        """Compartment of each row of `externals`."""
        return {key: value[self._sites(key)] for key, value in self.base._external_inds.items()}

    def _sites(self, key: str) -> np.ndarray:
        return np.isin(self.base._external_inds[key], self._rows)

    def _rowwise(self, values: np.ndarray, call: str) -> np.ndarray:
        n = len(self._rows)
        if values.ndim == 1:
            values = np.broadcast_to(values, (n, values.size))
        if values.ndim != 2 or values.shape[0] != n:
            raise ValueError(
                f"{call} takes (T,) or one row for each of the {n} compartments ({n}, T), not shape {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{call}: every sample has to be a finite number")
        return np.array(values)
