"""Where a module lies in space: traced points, centres of compartments, moving and turning whole cells.

Places serve pictures and straight distances; they have no effect on a simulation. The layout of what was not traced
is `layout.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .layout import laid_out
from .polyline import along

if TYPE_CHECKING:
    from .module import Module

_PLANES = {"xy": [0, 1], "xz": [0, 2], "yz": [1, 2]}


class Placing:
    """`xyzr`, `compute_xyz`, `compute_compartment_centers`, `move`, `move_to`, `rotate` on a view."""

    base: Module
    _rows: np.ndarray

    @property
    def xyzr(self) -> list[np.ndarray]:
        """Points of each branch of the view, [n, 4]: x, y, z and radius in um, NaN where nothing was traced."""
        return [self.base._xyzr[b] for b in self._branch_numbers()]

    def compute_xyz(self) -> None:
        """Lay the branches that were not traced out in the plane, and write the centres of their compartments.

        Each is a straight line of its present length that starts at its place on the parent; traced branches and the
        places of roots that have one stay.
        """
        base = self.base
        mine = set(self._branch_numbers().tolist())
        everywhere = laid_out(base._xyzr, _branch_lengths(base), base._branches, anew=True)
        base._xyzr = [everywhere[b] if b in mine else old for b, old in enumerate(base._xyzr)]
        self.compute_compartment_centers()

    def compute_compartment_centers(self) -> None:
        """Write the centres of the compartments along the branches' points into columns x, y, z of the table."""
        base, numbers = self.base, self._branch_numbers()
        rows = np.flatnonzero(np.isin(base._nodes["global_branch_index"].to_numpy(), numbers))
        centers = compartment_centers(base, base._xyzr)[rows]
        for axis, name in enumerate("xyz"):
            column = base._nodes[name].to_numpy(dtype=float, copy=True)
            column[rows] = centers[:, axis]
            base._nodes[name] = column

    def move(self, x: float = 0.0, y: float = 0.0, z: float = 0.0, update_nodes: bool = True) -> None:
        """Move the cells of the view by (x, y, z) um. Cells without places are laid out first.

        Args:
            update_nodes: write the new centres into the table; False leaves that to `compute_compartment_centers`.
        """
        self._shift([np.array([x, y, z], dtype=float)] * len(self._whole_cells("move")), "move", update_nodes)

    def move_to(self, x: Any = 0.0, y: Any = 0.0, z: Any = 0.0, update_nodes: bool = True) -> None:
        """Move so that the first point of the first cell lies at (x, y, z) um; with arrays, that of each cell.

        Args:
            x, y, z: numbers, or arrays of one entry for each cell of the view.
            update_nodes: as for `move`.
        """
        cells = self._whole_cells("move_to")
        goals = [np.asarray(g, dtype=float) for g in (x, y, z)]
        if any(goal.ndim and goal.shape != (len(cells),) for goal in goals):
            raise ValueError(f"move_to takes numbers, or arrays with one entry for each of the {len(cells)} cells")
        starts = np.array([located(self.base)[branches[0]][0, :3] for branches in cells])
        if all(goal.ndim == 0 for goal in goals):
            shifts = np.broadcast_to(np.array(goals) - starts[0], starts.shape)
        else:
            shifts = np.stack([np.broadcast_to(goal, (len(cells),)) for goal in goals], axis=1) - starts
        self._shift(list(shifts), "move_to", update_nodes)

    def rotate(self, degrees: float, rotation_axis: str = "xy", update_nodes: bool = True) -> None:
        """Turn the cells of the view clockwise about the origin in the plane "xy", "xz" or "yz".

        Args:
            update_nodes: as for `move`.
        """
        if rotation_axis not in _PLANES:
            raise ValueError(f'rotate: rotation_axis is "xy", "xz" or "yz", not {rotation_axis!r}')
        plane, angle = _PLANES[rotation_axis], np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        base, places = self.base, located(self.base)
        for branches in self._whole_cells("rotate"):
            for b in branches:
                turned = places[b].copy()
                turned[:, plane] = turned[:, plane] @ turn.T
                base._xyzr[b] = turned
        if update_nodes:
            self.compute_compartment_centers()

    def _shift(self, shifts: list[np.ndarray], call: str, update_nodes: bool) -> None:
        base, places = self.base, located(self.base)
        for branches, shift in zip(self._whole_cells(call), shifts, strict=True):
            for b in branches:
                base._xyzr[b] = places[b] + np.append(shift, 0.0)
        if update_nodes:
            self.compute_compartment_centers()

    def _branch_numbers(self) -> np.ndarray:
        """Global numbers of the branches that have compartments in the view, ascending."""
        return np.unique(self.base._nodes["global_branch_index"].to_numpy()[self._rows])

    def _whole_cells(self, call: str) -> list[np.ndarray]:
        """Branch numbers of each cell of the view; ValueError if it holds part of a cell only."""
        cell_of = self.base._nodes["global_cell_index"].to_numpy()
        cells = np.unique(cell_of[self._rows])
        if np.isin(cell_of, cells).sum() != len(np.unique(self._rows)):
            raise ValueError(f"{call} takes whole cells: cell.{call}(...) or net.cell(i).{call}(...)")
        cell_of_branch = self.base._branches["cell"].to_numpy(dtype=int)
        return [np.flatnonzero(cell_of_branch == cell) for cell in cells]


def compartment_centers(module: Module, xyzr: list[np.ndarray]) -> np.ndarray:
    """[comp, 3] (um): where the middle of each compartment of the module lies on its branch's points."""
    length = module._nodes["length"].to_numpy(dtype=float)
    starts = module._first_rows()
    found = []
    for points, start, stop in zip(xyzr, starts[:-1], starts[1:], strict=True):
        ends = np.cumsum(length[start:stop])
        found.append(along(points[:, :3], (ends - length[start:stop] / 2) / ends[-1]))
    return np.concatenate(found)


def located(module: Module) -> list[np.ndarray]:
    """Points of every branch of the module; those without places where a layout puts them."""
    if all(np.isfinite(points[:, :3]).all() for points in module._xyzr):
        return list(module._xyzr)
    return laid_out(module._xyzr, _branch_lengths(module), module._branches, anew=False)


def _branch_lengths(module: Module) -> np.ndarray:
    return np.add.reduceat(module._nodes["length"].to_numpy(dtype=float), module._first_rows()[:-1])
