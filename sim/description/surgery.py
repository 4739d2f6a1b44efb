"""Branches taken off a cell, and two cells joined into one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .module import Cell
from .polyline import along
from .renumbering import refuse_references
from .rooting import Place, meetings, rearrange, rooted
from .view import View


def morph_delete(view: View) -> Cell:
    """A copy of the cell without the branches of the view.

    Groups, mechanisms, values, recordings, stimuli and trainables of the other branches stay; a group or mechanism that
    has no other branch goes. Where the root goes, the
    branches that met at its end (or in the middle of one of its compartments) meet at a point.

    Raises:
        ValueError: the view is not of whole branches of a cell, nothing would be left, the rest would not be one tree,
            or something deleted is recorded, stimulated or trainable.
    """
    base = _cell_of(view, "morph_delete")
    branch_of = base._nodes["global_branch_index"].to_numpy()
    gone = np.unique(branch_of[view._rows])
    kept = np.setdiff1d(np.arange(len(base._branches)), gone)
    if np.isin(branch_of, gone).sum() != len(np.unique(view._rows)):
        raise ValueError("morph_delete takes whole branches, e.g. morph_delete(cell.branch([3, 4]))")
    if not len(kept):
        raise ValueError("morph_delete: no branch would be left; name those to go, e.g. cell.branch([3, 4])")
    refuse_references(base, view._rows, "morph_delete")
    joints: list[list[Place]] = [
        [place for place in members if place[0] in kept] for members in meetings(base._branches)
    ]
    cell = base.copy()
    rooting = rooted(joints, [int(kept[0])], np.diff(base._first_rows()).tolist(), "morph_delete")
    apart = sorted(set(kept.tolist()) - set(rooting.order))
    if apart:
        listed = ", ".join(map(str, apart[:5])) + (", ..." if len(apart) > 5 else "")
        raise ValueError(
            f"morph_delete: branches {listed} would come off the tree; delete them as well, or keep what they hang on"
        )
    rearrange(cell, rooting)
    gone_with_branches = [m for m in cell._mechanisms if not cell._nodes[m].any()]
    left = {key for name, m in cell._mechanisms.items() if name not in gone_with_branches for key in m.channel_states}
    for state in [d for d in cell._diffusing if d not in left]:
        cell.delete_diffusion(state)
    for name in gone_with_branches:
        cell.delete(name)
    empty = [group for group in cell._groups if not cell._nodes[group].any()]
    cell._groups = [group for group in cell._groups if group not in empty]
    cell._nodes = cell._nodes.drop(columns=empty)
    return cell


def morph_connect(view1: View, view2: View) -> Cell:
    """One cell of two, joined at a place of each: `morph_connect(cell.branch(0).loc(0.0), stub.branch(0).loc(0.0))`.

    `.loc(0.0)` and `.loc(1.0)` mean the ends of a branch; any other place is the middle of its compartment. The first
    cell keeps its branches' numbers and directions, those of the second follow, turned so that they grow from the
    joint; where this cannot be (its branches hang on the middle of another) the second keeps its root instead. Groups,
    mechanisms and values of both stay, a value that one of them lacks is NaN there; the second cell is shifted in space
    so that the two places agree.

    Raises:
        ValueError: a view of more than one compartment or not of a cell, both of one cell, a mechanism with different
            options in the two, or two middles.
    """
    cells = [_cell_of(view, "morph_connect") for view in (view1, view2)]
    if cells[0] is cells[1]:
        raise ValueError("morph_connect joins two cells; for one with itself: morph_connect(cell..., cell.copy()...)")
    (branch1, loc1), (branch2, loc2) = places = [_place_of(view) for view in (view1, view2)]
    tables = [cell._branches.copy() for cell in cells]
    offset = len(tables[0])
    tables[1]["parent"] = tables[1]["parent"].where(tables[1]["parent"] < 0, tables[1]["parent"] + offset)
    branch_of = np.concatenate(
        [cells[0]._nodes["global_branch_index"], cells[1]._nodes["global_branch_index"] + offset]
    )
    both = Cell.__new__(Cell)
    both._compose(cells, pd.concat(tables, ignore_index=True), branch_of, depth=1)
    both._xyzr = [points.copy() for cell in cells for points in cell._xyzr]
    points = [along(cell._xyzr[b][:, :3], np.array([loc]))[0] for cell, (b, loc) in zip(cells, places, strict=True)]
    if np.isfinite(points).all():
        for b in range(offset, len(both._xyzr)):
            both._xyzr[b] = both._xyzr[b] + np.append(points[0] - points[1], 0.0)
    both.compute_compartment_centers()
    joint: list[Place] = [(branch1, loc1), (branch2 + offset, loc2)]
    joints, ncomps = [*meetings(both._branches), joint], np.diff(both._first_rows()).tolist()
    try:
        rooting = rooted(joints, [0], ncomps, "morph_connect")
    except ValueError:
        rooting = rooted(joints, [offset], ncomps, "morph_connect")
    rearrange(both, rooting)
    return both


def _cell_of(view: Any, call: str) -> Cell:
    base = getattr(view, "base", None)
    if not isinstance(base, Cell):
        raise ValueError(f"{call} takes views of a Cell, e.g. cell.branch(1), not {view!r}")
    return base


def _place_of(view: View) -> Place:
    base, rows = view.base, view._rows
    if len(rows) != 1:
        raise ValueError(
            f"morph_connect takes places of one compartment, not {len(rows)}, e.g. cell.branch(1).loc(1.0)"
        )
    branch = int(base._nodes["global_branch_index"].to_numpy()[rows[0]])
    if view._loc in (0.0, 1.0):
        return branch, float(view._loc)
    starts = base._first_rows()
    return branch, (rows[0] - starts[branch] + 0.5) / (starts[branch + 1] - starts[branch])
