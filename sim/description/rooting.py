"""Branches that meet at places, made into a tree of parents and children.

A branch table says where each branch's 0-end lies on its parent. Cutting and joining is simpler on *meetings*, the
places at which branches meet, no matter who is whose parent. Owns both directions of this translation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .renumbering import replace_compartments

if TYPE_CHECKING:
    from .module import Module

#: A branch and a location on it, 0 to 1.
Place = tuple[int, float]


@dataclass(frozen=True)
class Rooting:
    """Branches as a forest: `order` holds their old numbers, parents before children; the rest follows that order.

    Attributes:
        flipped: whether the branch runs the other way.
        parents: in new numbers, -1 for roots.
        parent_locs: where on the parent (in its new direction) the branch starts.
    """

    order: tuple[int, ...]
    flipped: tuple[bool, ...]
    parents: tuple[int, ...]
    parent_locs: tuple[float, ...]


def meetings(branches: pd.DataFrame) -> list[list[Place]]:
    """All places where branches meet, each with the branches there and the location on each."""
    found: dict[Place, list[Place]] = {}
    start_of: list[Place] = []
    for b, (parent, loc) in enumerate(zip(branches["parent"], branches["parent_loc"], strict=True)):
        start: Place = (b, 0.0)
        if parent >= 0:
            start = start_of[int(parent)] if loc <= 0 else (int(parent), min(float(loc), 1.0))
            found.setdefault(start, [start]).append((b, 0.0))
        start_of.append(start)
    return list(found.values())


def rooted(all_meetings: Sequence[Sequence[Place]], roots: Sequence[int], ncomps: Sequence[int], what: str) -> Rooting:
    """The forest that grows from `roots`, each root in its present direction.

    Branches keep their order as far as parents allow. Those that no meeting joins to a root are left out.

    Args:
        ncomps: compartments of each branch.
        what: the call, for messages.

    Raises:
        ValueError: a cycle, or a branch that would have to hang on its parent by its middle.
    """
    meetings_of: list[list[int]] = [[] for _ in ncomps]
    for m, members in enumerate(all_meetings):
        for branch, _ in members:
            meetings_of[branch].append(m)
    new_number: dict[int, int] = {}
    flipped, parents, locs = [], [], []
    done: set[int] = set()
    seen: set[int] = set()
    for root in roots:
        ready: list[tuple[int, int, float, bool]] = [(root, -1, 1.0, False)]
        seen.add(root)
        while ready:
            branch, parent, loc, flip = heappop(ready)
            new_number[branch] = len(new_number)
            flipped.append(flip)
            parents.append(new_number.get(parent, -1))
            locs.append(loc)
            for m in meetings_of[branch]:
                if m in done:
                    continue
                done.add(m)
                here = next(place for b, place in all_meetings[m] if b == branch)
                for other, there in all_meetings[m]:
                    if other == branch:
                        continue
                    if other in seen:
                        raise ValueError(f"{what}: the branches would form a loop at branch {other}")
                    if 0.0 < there < 1.0:
                        raise ValueError(
                            f"{what}: branch {other} would have to grow from its middle; a branch starts at one of its "
                            "ends, so join at loc(0.0) or loc(1.0) of one of the two"
                        )
                    seen.add(other)
                    heappush(ready, (other, branch, _turned(here, ncomps[branch]) if flip else here, there >= 1.0))
    return Rooting(tuple(new_number), tuple(flipped), tuple(parents), tuple(locs))


def _turned(loc: float, ncomp: int) -> float:
    """The location on a branch that runs the other way; in between the ends, the middle of the same compartment."""
    if loc in (0.0, 1.0):
        return 1.0 - loc
    return (ncomp - 0.5 - min(int(loc * ncomp), ncomp - 1)) / ncomp


def rearrange(module: Module, rooting: Rooting) -> None:
    """Give the module the branches of `rooting`, in its order and directions, in place."""
    starts = module._first_rows()
    rows, turned, xyzr = [], [], []
    for branch, flip in zip(rooting.order, rooting.flipped, strict=True):
        step = -1 if flip else 1
        rows.append(np.arange(starts[branch], starts[branch + 1])[::step])
        turned.append(np.full(len(rows[-1]), flip))
        xyzr.append(module._xyzr[branch][::step].copy())
    order, flipped = np.concatenate(rows), np.concatenate(turned)
    nodes = module._nodes.iloc[order].reset_index(drop=True)
    ends = ["resistive_load_in", "resistive_load_out"]
    nodes.loc[flipped, ends] = nodes.loc[flipped, ends[::-1]].to_numpy()
    branches = module._branches.iloc[list(rooting.order)].reset_index(drop=True)
    branches["parent"], branches["parent_loc"] = list(rooting.parents), list(rooting.parent_locs)
    new_row = np.full(int(starts[-1]), -1)
    new_row[order] = np.arange(len(order))
    branch_of = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    replace_compartments(module, nodes, branches, branch_of, xyzr, new_row)
