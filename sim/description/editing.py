"""Edits of a view: values, mechanisms, groups. Each edit counts, so that a lowered model is known to be out of date."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..mechanisms import Mechanism
from ..names import nearest
from .tables import INDEX_COLUMNS

if TYPE_CHECKING:
    from .module import Module


def _keys(mechanism: Mechanism) -> list[str]:
    """All its parameters and states, the shared ones included."""
    return [*mechanism.channel_params, *mechanism.channel_states]


def diffusion_key(state: str) -> str:
    """Name of the axial diffusion coefficient of a concentration."""
    return f"axial_diffusion_{state}"


class Editing:
    """`set`, `insert`, `delete`, `add_to_group` on the compartments of a view."""

    base: Module
    _rows: np.ndarray

    def set(self, key: str, value: float | Sequence[float] | np.ndarray) -> None:
        """Set a parameter or initial state: one value for all compartments of the view, or one for each.

        `length` and `radius` scale area, volume and loads with them. Raises ValueError for an unknown name, a wrong
        number of values or a value that is not finite.
        """
        rows = self.base._require(key, self)  # type: ignore[arg-type]
        values = np.asarray(value, dtype=float)
        if values.ndim and values.shape != (len(rows),):
            raise ValueError(
                f"set({key!r}, ...) takes one value or one for each of the {len(rows)} compartments or synapses, "
                f"not an array of shape {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"set({key!r}, ...): every value has to be a finite number")
        self.base._set(key, rows, values)

    def diffuse(self, state: str) -> None:
        """Let a concentration diffuse along the cable in the compartments of the view.

        Adds the parameter `axial_diffusion_<state>` (um^2/ms, 1 here, 0 in compartments outside the view).
        """
        base = self.base
        mechanisms = base._mechanisms.items()
        concentrations = {k for name, m in mechanisms for k in m.channel_states if not k.startswith(f"{name}_")}
        if state not in concentrations:
            raise ValueError(
                f"diffuse({state!r}): no mechanism here has this concentration{nearest(state, concentrations)}; "
                "insert one first, e.g. CaPump()"
            )
        key = diffusion_key(state)
        values = base._nodes[key].to_numpy(copy=True) if state in base._diffusing else np.zeros(len(base._nodes))
        values[self._rows] = 1.0
        if state not in base._diffusing:
            base._diffusing.append(state)
        base._add_column(key, values)

    def delete_diffusion(self, state: str) -> None:
        """Let a concentration diffuse no more, anywhere in the module."""
        base = self.base
        if state not in base._diffusing:
            raise ValueError(f"delete_diffusion({state!r}): diffusing are {base._diffusing or 'none'}")
        key = diffusion_key(state)
        if any(t.key == key for t in base._trainables):
            raise ValueError(f"delete_diffusion({state!r}): {key} is trainable; call delete_trainables() first")
        base._diffusing.remove(state)
        base._nodes = base._nodes.drop(columns=key)
        base._edited()

    def insert(self, mechanism: Mechanism) -> None:
        """Insert a mechanism into the compartments of the view, with its default parameters and states.

        A shared name ("eNa", "CaCon_i") that a compartment has already keeps its value.
        """
        base = self.base
        if not isinstance(mechanism, Mechanism):
            raise ValueError(f"insert takes a mechanism such as HH(), not {mechanism!r}")
        name = mechanism.name
        present = base._mechanisms.get(name)
        if present is not None and present != mechanism:
            raise ValueError(f"{name} is inserted already with other options; give this one a name: change_name(...)")
        if present is None and (name in base._nodes.columns):
            raise ValueError(
                f"{name!r} names a column of the table already; give the mechanism another: change_name(...)"
            )
        base._mechanisms[name] = copy.copy(mechanism) if present is None else present
        flags = base._nodes[name].to_numpy(copy=True) if present is not None else np.zeros(len(base._nodes), bool)
        new = self._rows[~flags[self._rows]]
        flags[self._rows] = True
        base._add_column(name, flags)
        for key, default in {**mechanism.channel_params, **mechanism.channel_states}.items():
            if key not in base._nodes.columns:
                base._add_column(key, np.full(len(base._nodes), np.nan))
            absent = base._nodes[key].isna().to_numpy()[new]
            base._write(key, new[absent], np.asarray(default, dtype=float))

    def delete(self, mechanism: Mechanism | str) -> None:
        """Take a mechanism out of the compartments of the view; its own columns go with its last compartment."""
        base = self.base
        name = mechanism if isinstance(mechanism, str) else mechanism.name
        if name not in base._mechanisms:
            raise ValueError(f"no mechanism {name!r} is inserted{nearest(name, base._mechanisms)}")
        here = base._mechanisms[name]
        flags = base._nodes[name].to_numpy(copy=True)
        flags[self._rows] = False
        rest = [m for m in base._mechanisms.values() if m.name != name]
        without: dict[str, np.ndarray] = {}
        for key in _keys(here):
            users = flags.copy()
            for other in rest:
                if key in _keys(other):
                    users |= base._nodes[other.name].to_numpy()
            without[key] = np.flatnonzero(~users)
        current = here.current_name
        if current is not None and not flags.any() and all(m.current_name != current for m in rest):
            without[current] = np.arange(len(flags))
        self._refuse_dangling(name, without)
        base._add_column(name, flags)
        if not flags.any():
            del base._mechanisms[name]
        for key in _keys(here):
            base._write(key, without[key], np.asarray(np.nan))
        unused = [k for k in _keys(here) if base._nodes[k].isna().all()]
        base._nodes = base._nodes.drop(columns=unused + ([] if name in base._mechanisms else [name]))
        base._edited()

    def _refuse_dangling(self, name: str, without: dict[str, np.ndarray]) -> None:
        """Raise ValueError if something that lost its value is recorded, clamped, diffuses or is trainable."""
        base = self.base
        for key in without:
            if key in base._externals and np.isin(base._external_inds[key], without[key]).any():
                raise ValueError(f"delete({name!r}): {key} is clamped there; call delete_clamps() first")
            if key in base._diffusing:
                raise ValueError(f"delete({name!r}): {key} diffuses; call delete_diffusion({key!r}) first")
        for row, key in base._recordings:
            if key in without and row in without[key]:
                raise ValueError(f"delete({name!r}): {key} is recorded there; call delete_recordings() first")
        for trainable in base._trainables:
            if trainable.key in without and np.isin(trainable.rows, without[trainable.key]).any():
                raise ValueError(
                    f"delete({name!r}): {trainable.key} is trainable there; call delete_trainables() first"
                )

    def copy(self) -> Self:
        """An independent copy; of a view, one that belongs to a copy of its module."""
        return copy.deepcopy(self)

    def add_to_group(self, name: str) -> None:
        """Make the compartments of the view members of a group, which becomes an attribute (`cell.soma`)."""
        base = self.base
        if not name.isidentifier() or name.startswith("_"):
            raise ValueError(f"a group's name is a plain identifier, not {name!r}")
        if name not in base._groups and (
            name in base._nodes.columns or name in INDEX_COLUMNS or name in base._synapses or hasattr(type(base), name)
        ):
            raise ValueError(f"{name!r} is taken: choose another name for the group")
        flags = base._nodes[name].to_numpy(copy=True) if name in base._groups else np.zeros(len(base._nodes), bool)
        flags[self._rows] = True
        if name not in base._groups:
            base._groups.append(name)
        base._add_column(name, flags)

    def distance_pathwise(self, origin: Any) -> np.ndarray:
        """Path distance in um from the middle of a one-compartment view to each compartment of this one."""
        rows = origin._rows
        if len(rows) != 1:
            raise ValueError(f"distance_pathwise takes an origin of one compartment, not {len(rows)}; add .loc(0.5)")
        return self.base._path_distances(int(rows[0]))[self._rows]
