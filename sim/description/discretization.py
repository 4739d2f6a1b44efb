"""How many compartments a branch has: `set_ncomp`.

Owns what becomes of a branch's table when it is cut anew: geometry, values, groups, mechanisms. The geometry itself is
computed in `sim/morphology`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..geometry_scaling import GEOMETRY_EXPONENTS
from ..morphology import CompartmentGeometry, discretize
from ..morphology.reconstruction import Section
from ..morphology.recut import recut
from .layout import is_traced
from .polyline import along
from .renumbering import refuse_references, replace_compartments
from .tables import PLACE

if TYPE_CHECKING:
    from .module import Module

_GEOMETRY = ("length", "radius", "area", "volume", "resistive_load_in", "resistive_load_out")


class Discretization:
    """`set_ncomp` on the branches of a view."""

    base: Module
    _rows: np.ndarray
    _sharing: np.ndarray | None

    def set_ncomp(self, ncomp: int, min_radius: float | None = None) -> None:
        """Cut each branch of the view into `ncomp` compartments of equal length.

        A traced branch is cut along its points, as if the file had been read with this `ncomp`; where length or radius
        were scaled since, so is the result. Any other branch keeps its length, area, volume and load. Other values stay
        where they are constant along the branch and are interpolated at the new centres where they are not. Views made
        before, other than this one, then name other compartments.

        Args:
            min_radius: clips the radii of the traced points, in um.

        Raises:
            ValueError: the view is not of whole branches, a mechanism, group or value is in part of a branch only, or
                something in a branch is recorded, stimulated or trainable, or a synapse ends there.
        """
        base = self.base
        if isinstance(ncomp, bool) or int(ncomp) != ncomp or ncomp < 1:
            raise ValueError(f"set_ncomp takes a whole number of 1 or more, not {ncomp!r}; e.g. set_ncomp(4)")
        if min_radius is not None and not (np.isfinite(min_radius) and min_radius > 0):
            raise ValueError(f"set_ncomp: min_radius must be above 0 um, not {min_radius:g}")
        starts = base._first_rows()
        branch_of = base._nodes["global_branch_index"].to_numpy()
        wanted = np.unique(branch_of[self._rows])
        if np.isin(branch_of, wanted).sum() != len(np.unique(self._rows)):
            raise ValueError("set_ncomp takes whole branches, e.g. cell.branch(1).set_ncomp(4)")
        refuse_references(base, self._rows, "set_ncomp")
        xyzr, tables, counts = list(base._xyzr), [], np.diff(starts)
        new_row = np.full(len(branch_of), -1)
        next_row = before = 0
        for branch in wanted:
            start, stop = starts[branch], starts[branch + 1]
            tables.append(base._nodes.iloc[before:start])
            new_row[before:start] = next_row + np.arange(start - before)
            if min_radius is not None and is_traced(xyzr[branch]):
                xyzr[branch] = np.column_stack([xyzr[branch][:, :3], np.maximum(xyzr[branch][:, 3], min_radius)])
            tables.append(_cut_anew(base, int(branch), base._xyzr[branch], xyzr[branch], int(ncomp)))
            next_row += start - before + int(ncomp)
            counts[branch] = ncomp
            before = stop
        tables.append(base._nodes.iloc[before:])
        new_row[before:] = next_row + np.arange(len(branch_of) - before)
        new_branch_of = np.repeat(np.arange(len(counts)), counts)
        nodes = pd.concat([t for t in tables if len(t)], ignore_index=True)
        replace_compartments(base, nodes, base._branches, new_branch_of, xyzr, new_row)
        self._rows = np.flatnonzero(np.isin(new_branch_of, wanted))
        if self._sharing is not None:
            self._sharing = new_branch_of[self._rows]


def _cut_anew(module: Module, branch: int, points: np.ndarray, clipped: np.ndarray, ncomp: int) -> pd.DataFrame:
    """The table of a branch with `ncomp` compartments; `points` are those of its present compartments."""
    start, stop = module._first_rows()[branch : branch + 2]
    old = module._nodes.iloc[start:stop]
    for name in (*module._mechanisms, *module._groups):
        if old[name].nunique() > 1:
            kind = "group" if name in module._groups else "mechanism"
            raise ValueError(
                f"set_ncomp: {kind} {name} is in part of branch {branch} only; call set_ncomp before adding it"
            )
    present = _geometry_of(old)
    new = _along_points(present, points, clipped, ncomp)
    if new is None:
        new = recut(present, ncomp)
    if np.isfinite(clipped[:, :3]).all():
        new = replace(new, centers=along(clipped[:, :3], (np.arange(ncomp) + 0.5) / ncomp))
    ends = np.cumsum(present.length)
    middles, at = ends - present.length / 2, ends[-1] * (np.arange(ncomp) + 0.5) / ncomp
    geometry = dict(
        zip(
            (*_GEOMETRY, *PLACE),
            (new.length, new.radius, new.area, new.volume, new.load_in, new.load_out, *new.centers.T),
            strict=True,
        )
    )
    columns = {}
    for name in old.columns:
        values = old[name].to_numpy()
        if name in geometry:
            columns[name] = geometry[name]
        elif values.dtype.kind == "f":
            if np.isnan(values).any() and not np.isnan(values).all():
                raise ValueError(
                    f"set_ncomp: {name} is in part of branch {branch} only; call set_ncomp before adding it"
                )
            constant = np.isnan(values).all() or (values == values[0]).all()
            columns[name] = np.full(ncomp, values[0]) if constant else np.interp(at, middles, values)
        else:
            columns[name] = np.full(ncomp, values[0])
    return pd.DataFrame(columns)


def _geometry_of(table: pd.DataFrame) -> CompartmentGeometry:
    length, radius, area, volume, load_in, load_out = (table[name].to_numpy(dtype=float) for name in _GEOMETRY)
    centers = table[list(PLACE)].to_numpy(dtype=float)
    return CompartmentGeometry(length, radius, area, volume, load_in, load_out, centers)


def _along_points(
    present: CompartmentGeometry, points: np.ndarray, clipped: np.ndarray, ncomp: int
) -> CompartmentGeometry | None:
    """The branch cut along its points, scaled as its present compartments are; None where these do not follow them."""
    if not is_traced(points):
        return None
    traced = discretize(_section(points), len(present.length))
    longer, wider = present.length / traced.length, present.radius / traced.radius
    if not (np.allclose(longer, longer[0], rtol=1e-6) and np.allclose(wider, wider[0], rtol=1e-6)):
        return None
    new = discretize(_section(clipped), ncomp)
    # Lengths and radii that nobody touched differ from the points' by rounding at most, and stay exact.
    ratio = [1.0 if abs(r - 1) < 1e-9 else float(r) for r in (longer[0], wider[0])]
    if ratio == [1.0, 1.0]:
        return new
    scale = {name: ratio[0] ** p * ratio[1] ** q for name, (p, q) in GEOMETRY_EXPONENTS.items()}
    return CompartmentGeometry(
        new.length * ratio[0],
        new.radius * ratio[1],
        new.area * scale["area"],
        new.volume * scale["volume"],
        new.load_in * scale["resistive_load_in"],
        new.load_out * scale["resistive_load_out"],
        new.centers,
    )


def _section(points: np.ndarray) -> Section:
    return Section(points[:, :3], points[:, 3], type_id=0, parent=-1, parent_loc=1.0)
