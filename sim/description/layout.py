"""A layout in the plane for branches that were not traced: straight lines, children fanned out.

Owns where such branches lie in pictures; of no effect on a simulation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from .polyline import along

#: Opening (rad) of the fan that the branches beyond a root share.
_FAN = 0.8 * np.pi


def is_traced(xyzr: Float[np.ndarray, "n 4"]) -> bool:
    """Whether these are points of a reconstruction: a layout has places, but no radii."""
    return bool(np.isfinite(xyzr).all())


def laid_out(
    xyzr: Sequence[Float[np.ndarray, "n 4"]],
    lengths: Float[np.ndarray, " branch"],
    branches: pd.DataFrame,
    *,
    anew: bool,
) -> list[Float[np.ndarray, "m 4"]]:
    """`xyzr` with every branch that was not traced laid out in the plane of its start.

    A branch is a straight line as long as the branch, from its place on the parent. The branches beyond share the
    parent's angle in proportion to their tips; those at the near end of a root go the other way. Each root starts
    where it started before, else at the origin.

    Args:
        xyzr: points of each branch, NaN where there are none.
        lengths: of each branch, in um.
        branches: columns `parent` (-1: a root) and `parent_loc`, parents before children.
        anew: also lay out what has places from an earlier layout.
    """
    parents = branches["parent"].to_numpy(dtype=int)
    locs = branches["parent_loc"].to_numpy(dtype=float)
    tips = np.zeros(len(parents), dtype=int)
    children: list[list[int]] = [[] for _ in parents]
    for b in reversed(range(len(parents))):
        tips[b] = max(tips[b], 1)
        if parents[b] >= 0:
            tips[parents[b]] += tips[b]
            children[parents[b]].insert(0, b)
    middle, width = np.zeros(len(parents)), np.full(len(parents), _FAN)
    found: list[np.ndarray] = []
    for b, parent in enumerate(parents):
        backwards = [c for c in children[b] if parent < 0 and locs[c] <= 0]
        forwards = [c for c in children[b] if c not in backwards]
        for fan, turn in ((forwards, 0.0), (backwards, np.pi)):
            edge = middle[b] + turn - width[b] / 2
            for c in fan:
                width[c] = width[b] * tips[c] / sum(tips[i] for i in fan)
                middle[c] = edge + width[c] / 2
                edge += width[c]
        if is_traced(xyzr[b]) or (not anew and np.isfinite(xyzr[b][:, :3]).all()):
            found.append(xyzr[b])
            continue
        if parent >= 0:
            start = along(found[parent][:, :3], locs[b : b + 1])[0]
        else:
            start = xyzr[b][0, :3] if np.isfinite(xyzr[b][0, :3]).all() else np.zeros(3)
        line = np.full((2, 4), np.nan)
        line[:, :3] = start
        line[1, :2] += lengths[b] * np.array([np.cos(middle[b]), np.sin(middle[b])])
        found.append(line)
    return found
