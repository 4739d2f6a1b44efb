"""What a reconstruction is here: unbranched sections of 3-D points, joined into one tree.

Owns the two containers and the names of the groups. Reading files is `read.py`, cutting into compartments
`discretize.py`; nothing here computes electrical quantities.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from .errors import MorphologyError

SOMA, AXON, BASAL, APICAL = 1, 2, 3, 4
_GROUPS = {SOMA: "soma", AXON: "axon", BASAL: "basal", APICAL: "apical"}


def group_name(type_id: int) -> str:
    """The group of an SWC type: soma, axon, basal, apical for 1-4, else `custom{type_id}`."""
    return _GROUPS.get(type_id, f"custom{type_id}")


@dataclass(frozen=True, eq=False)
class Section:
    """An unbranched stretch of neurite or soma: a polyline of truncated cones.

    `points` [n, 3] and `radii` [n] in um, n >= 2. `parent` is the index of the parent section (-1: the root) and
    `parent_loc` (0.0, 0.5 or 1.0) the place on the parent where this section's 0-end is joined. `first_point_own`
    tells that the first point is the section's own, so that a gap without length or resistance may lie between it
    and the parent; otherwise the first point is that of the parent. `ncomp`, where given, is the number of compartments
    whatever the rule of discretisation (the replacement axon).
    """

    points: Float[np.ndarray, "n 3"]
    radii: Float[np.ndarray, " n"]
    type_id: int
    parent: int
    parent_loc: float
    first_point_own: bool = True
    ncomp: int | None = None

    @property
    def group(self) -> str:
        return group_name(self.type_id)

    @property
    def length(self) -> float:
        """Path length in um."""
        return float(np.linalg.norm(np.diff(self.points, axis=0), axis=1).sum())


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A tree of sections, parents before children, and the file (or name) it came from.

    Soma first, then axon, basal, apical and custom sections, depth first within each neurite and neurites in the
    order of the file. Where one kind grows out of another (an axon out of a dendrite), parents before children wins.
    """

    sections: tuple[Section, ...]
    source: str

    def __len__(self) -> int:
        return len(self.sections)

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    @property
    def parents(self) -> list[int]:
        return [section.parent for section in self.sections]

    @property
    def parent_locs(self) -> list[float]:
        return [section.parent_loc for section in self.sections]

    @property
    def groups(self) -> dict[str, list[int]]:
        """Group name -> indices of its sections, in the order of the sections."""
        groups: dict[str, list[int]] = {}
        for index, section in enumerate(self.sections):
            groups.setdefault(section.group, []).append(index)
        return groups

    @property
    def soma(self) -> int | None:
        """Index of the (first) soma section, None where the reconstruction has no soma."""
        return next((i for i, section in enumerate(self.sections) if section.type_id == SOMA), None)

    def require_soma(self, purpose: str) -> int:
        """Index of the (first) soma section.

        Raises:
            MorphologyError: there is none; the message says what it was needed for.
        """
        if self.soma is None:
            raise MorphologyError(f"{self.source}: no soma, and {purpose} needs one (points of type 1)")
        return self.soma


def reindexed(sections: list[Section], order: list[int]) -> tuple[Section, ...]:
    """The sections named by `order`, in that order, their `parent` renumbered (parents must be in `order`)."""
    place = {-1: -1} | {old: new for new, old in enumerate(order)}
    return tuple(replace(sections[old], parent=place[sections[old].parent]) for old in order)


def canonical_order(type_ids: list[int], parents: list[int]) -> list[int]:
    """Indices of sections given depth first, ordered soma, axon, basal, apical, custom, parents before children.

    Works on stretches of one type: as long as one of the present type can follow its parent it comes next, else one
    of the lowest type. So every group is contiguous unless the tree itself forbids it.
    """
    stretch = list(range(len(type_ids)))
    members: dict[int, list[int]] = {}
    waiting: dict[int, list[int]] = {}
    for i, (type_id, parent) in enumerate(zip(type_ids, parents, strict=True)):
        if parent >= 0 and type_ids[parent] == type_id:
            stretch[i] = stretch[parent]
        else:
            waiting.setdefault(-1 if parent < 0 else stretch[parent], []).append(i)
        members.setdefault(stretch[i], []).append(i)

    # Of each type the waiting stretches, least first; there are twenty types and may be many stretches.
    ready: dict[int, list[int]] = {}

    def wait(heads: list[int]) -> None:
        for head in heads:
            heapq.heappush(ready.setdefault(type_ids[head], []), head)

    order: list[int] = []
    wait(waiting.get(-1, []))
    present = SOMA
    while ready:
        present = min(ready, key=lambda type_id: (type_id != present, type_id not in _GROUPS, type_id))
        head = heapq.heappop(ready[present])
        if not ready[present]:
            del ready[present]
        order.extend(members[head])
        wait(waiting.get(head, []))
    return order
