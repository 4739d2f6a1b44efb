"""Where branches meet: from the branch table to the joints of compartments.

Each branch starts (its 0-end) at a place of its parent: an end, or the middle of one compartment. Ends that coincide
form one joint. What a joint becomes in the equations is the lowering's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

IN, OUT = 0, 1


@dataclass(frozen=True)
class Joint:
    """Half compartments that meet: `ends` holds (compartment, IN | OUT); `at` is the compartment whose middle they
    meet in, or -1 where they meet at a point of their own."""

    ends: tuple[tuple[int, int], ...]
    at: int


def joints(branch_of: np.ndarray, branches: pd.DataFrame) -> list[Joint]:
    """All joints of a module, those inside branches included, in the order of their first compartment.

    Args:
        branch_of: branch of each compartment, ascending.
        branches: columns `parent` (branch number, -1 for a root) and `parent_loc` (0 to 1), one row a branch.
    """
    first = np.searchsorted(branch_of, np.arange(len(branches)))
    last = np.searchsorted(branch_of, np.arange(len(branches)), side="right") - 1
    found = [Joint(((i, OUT), (i + 1, IN)), -1) for i in np.flatnonzero(branch_of[1:] == branch_of[:-1]).tolist()]
    # A place is ("end", branch, IN | OUT) or ("middle", compartment, 0); `place_of[b]` is where branch b's 0-end lies.
    meeting: dict[tuple[str, int, int], list[tuple[int, int]]] = {}
    place_of: list[tuple[str, int, int]] = []
    for b, (parent, loc) in enumerate(zip(branches["parent"], branches["parent_loc"], strict=True)):
        place: tuple[str, int, int]
        if parent < 0:
            place = ("end", b, IN)
        elif loc >= 1.0:
            place = ("end", int(parent), OUT)
        elif loc <= 0.0:
            place = place_of[int(parent)]
        else:
            n = last[parent] - first[parent] + 1
            place = ("middle", int(first[parent] + min(int(loc * n), n - 1)), 0)
        place_of.append(place)
        meeting.setdefault(place, []).append((int(first[b]), IN))
        meeting.setdefault(("end", b, OUT), []).append((int(last[b]), OUT))
    for (kind, number, _), ends in meeting.items():
        at = number if kind == "middle" else -1
        if at >= 0 or len(ends) > 1:
            found.append(Joint(tuple(sorted(ends)), at))
    return sorted(found, key=lambda joint: (joint.ends[0], joint.at))


def path_distances(lengths: np.ndarray, all_joints: list[Joint], origin: int) -> np.ndarray:
    """Path distance in um from the middle of compartment `origin` to the middle of each compartment.

    Compartments that no path reaches are at infinity.
    """
    at_comp: list[list[int]] = [[] for _ in lengths]
    for j, joint in enumerate(all_joints):
        for comp in {c for c, _ in joint.ends} | ({joint.at} if joint.at >= 0 else set()):
            at_comp[comp].append(j)
    distance = np.full(len(lengths), np.inf)
    distance[origin] = 0.0
    seen = np.zeros(len(all_joints), dtype=bool)
    stack = [origin]
    while stack:
        comp = stack.pop()
        for j in at_comp[comp]:
            if seen[j]:
                continue
            seen[j] = True
            joint = all_joints[j]
            here = distance[comp] + (0.0 if joint.at == comp else lengths[comp] / 2)
            members = [(c, lengths[c] / 2) for c, _ in joint.ends if c != comp]
            members += [(joint.at, 0.0)] if joint.at >= 0 and joint.at != comp else []
            for other, half in members:
                if np.isinf(distance[other]):
                    distance[other] = here + half
                    stack.append(other)
    return distance
