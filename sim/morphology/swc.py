"""SWC text as a table: checked line by line, and read for what MorphIO does not keep.

Owns the checks that name the line of a fault, the sections of the soma, and the soma point each neurite hangs on.
The neurites themselves are read by MorphIO (`read.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from .errors import MorphologyError
from .limits import DEPTH, POINTS, SOMA_NEURITES
from .reconstruction import SOMA
from .text import read_text

COLUMNS = ("id", "type", "x", "y", "z", "radius", "parent")
LARGEST_TYPE = 19  # MorphIO knows no larger one


@dataclass(frozen=True, eq=False)
class SwcTable:
    """The points of an SWC file in the order of its lines.

    `points` [n, 3] and `radii` [n] in um, `parent` the row of the parent point (-1: the root), `line` counted from 1.
    """

    path: Path
    line: Int[np.ndarray, " n"]
    ids: Int[np.ndarray, " n"]
    type_id: Int[np.ndarray, " n"]
    points: Float[np.ndarray, "n 3"]
    radii: Float[np.ndarray, " n"]
    parent: Int[np.ndarray, " n"]

    def fault(self, row: int, message: str) -> MorphologyError:
        return MorphologyError(f"{self.path}:{self.line[row]}: {message}")


def read_table(path: Path, *, clipped_radii: bool = False) -> SwcTable:
    """Read and check the seven columns of an SWC file.

    Radii of zero and below pass with `clipped_radii`; values that are not finite never do.

    Raises:
        MorphologyError: with file and line, for a line that is not a point, an unknown parent, a cycle, several roots,
            a radius that is not positive, or a soma that is not one piece at the root.
    """
    rows = [
        (number, text)
        for number, text in enumerate(read_text(path).splitlines(), start=1)
        if text.strip() and not text.lstrip().startswith("#")
    ]
    if not rows:
        raise MorphologyError(f"{path}: no points; an SWC file has lines of {' '.join(COLUMNS)}")
    if len(rows) > POINTS:
        raise MorphologyError(f"{path}: {len(rows)} points; at most {POINTS} are read")
    values = _parse(path, rows)
    lines = np.array([number for number, _ in rows])
    _check_values(path, lines, values, clipped_radii)
    ids, type_id, parent_id = (values[:, column].astype(np.int64) for column in (0, 1, 6))
    parent = _rows_of(ids, parent_id)
    table = SwcTable(path, lines, ids, type_id, values[:, 2:5], values[:, 5], parent)
    _check_tree(table, parent_id)
    _check_soma(table)
    _check_extent(table)
    return table


def _first(bad: Bool[np.ndarray, " n"]) -> int | None:
    return int(np.argmax(bad)) if bad.any() else None


def _parse(path: Path, rows: list[tuple[int, str]]) -> Float[np.ndarray, "n 7"]:
    try:
        return np.loadtxt([text for _, text in rows], usecols=range(7), ndmin=2, comments="#", encoding=None)
    except ValueError as error:
        for number, text in rows:
            fields = text.split("#")[0].split()
            if len(fields) < len(COLUMNS):
                expected = f"{len(COLUMNS)} columns ({' '.join(COLUMNS)})"
                raise MorphologyError(f"{path}:{number}: expected {expected}, found {len(fields)}") from None
            for name, field in zip(COLUMNS, fields, strict=False):
                try:
                    float(field)
                except ValueError:
                    raise MorphologyError(f"{path}:{number}: {name} must be a number, not {field[:40]!r}") from None
        raise MorphologyError(f"{path}: not readable as SWC: {error}") from None


def _check_values(
    path: Path, lines: Int[np.ndarray, " n"], values: Float[np.ndarray, "n 7"], clipped_radii: bool
) -> None:
    finite = np.abs(values) < np.finfo(np.float32).max  # MorphIO keeps float32; false for nan as well
    if (row := _first(~finite.all(axis=1))) is not None:
        raise MorphologyError(f"{path}:{lines[row]}: {COLUMNS[int(np.argmin(finite[row]))]} is not a finite number")
    for column in (0, 1, 6):
        whole = (values[:, column] == np.rint(values[:, column])) & (np.abs(values[:, column]) < 2**31)
        if (row := _first(~whole)) is not None:
            found = f"{values[row, column]:g}"
            raise MorphologyError(f"{path}:{lines[row]}: {COLUMNS[column]} must be a whole number, not {found}")
    if (row := _first((values[:, 1] < 0) | (values[:, 1] > LARGEST_TYPE))) is not None:
        known = f"1 soma, 2 axon, 3 basal, 4 apical, others up to {LARGEST_TYPE} custom"
        raise MorphologyError(f"{path}:{lines[row]}: type {values[row, 1]:g} is not known ({known})")
    if not clipped_radii and (row := _first(values[:, 5] <= 0)) is not None:
        raise MorphologyError(
            f"{path}:{lines[row]}: radius {values[row, 5]:g} um must be above 0 (min_radius would clip it)"
        )


def _rows_of(ids: Int[np.ndarray, " n"], wanted: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Row of each wanted id, -1 where there is none."""
    sorting = np.argsort(ids, kind="stable")
    place = np.minimum(np.searchsorted(ids, wanted, sorter=sorting), len(ids) - 1)
    return np.where(ids[sorting[place]] == wanted, sorting[place], -1)


def _check_tree(table: SwcTable, parent_id: Int[np.ndarray, " n"]) -> None:
    ids, parent = table.ids, table.parent
    _, first_row = np.unique(ids, return_index=True)
    repeated = np.ones(len(ids), dtype=bool)
    repeated[first_row] = False
    if (row := _first(repeated)) is not None:
        raise table.fault(row, f"id {ids[row]} is already that of line {table.line[int(np.argmax(ids == ids[row]))]}")
    if (row := _first((parent < 0) & (parent_id != -1))) is not None:
        raise table.fault(row, f"parent {parent_id[row]} is no point of this file (the root has parent -1)")

    # Follow every point's ancestors in doubling steps; who has not left the tree then is on or above a cycle.
    ancestor = parent.copy()
    for _ in range(max(1, len(ids).bit_length())):
        ancestor = np.where(ancestor >= 0, ancestor[ancestor], -1)
    if (row := _first(ancestor >= 0)) is not None:
        walk = int(ancestor[row])
        cycle = [walk]
        while int(parent[cycle[-1]]) != walk:
            cycle.append(int(parent[cycle[-1]]))
        row = min(cycle)
        others = ", ".join(str(ids[i]) for i in cycle[:5]) + (", ..." if len(cycle) > 5 else "")
        raise table.fault(
            row, f"a cycle: point {ids[row]} is its own ancestor (points {others}); the root has parent -1"
        )
    roots = np.nonzero(parent < 0)[0]
    if len(roots) > 1:
        row = int(roots[1])
        raise table.fault(
            row, f"point {ids[row]} is a second root (the first is on line {table.line[roots[0]]}); give it a parent"
        )


def _check_soma(table: SwcTable) -> None:
    """MorphIO and this package want the soma in one piece at the root, branching at the root alone."""
    soma = table.type_id == SOMA
    inner = soma & (table.parent >= 0)
    if (row := _first(inner & ~soma[table.parent])) is not None:
        raise table.fault(
            row, f"soma point {table.ids[row]} hangs on a neurite; the soma must be in one piece, with the root in it"
        )
    children = np.bincount(table.parent[inner], minlength=len(soma))
    if (row := _first((children > 1) & (table.parent >= 0))) is not None:
        raise table.fault(row, f"the soma branches at point {table.ids[row]}; it may branch at its root point only")


def _check_extent(table: SwcTable) -> None:
    """How often paths branch, and how many neurites hang on the soma, within `limits`."""
    parent = table.parent
    on_soma = (table.type_id != SOMA) & (parent >= 0) & (table.type_id[parent] == SOMA)
    if np.count_nonzero(on_soma) > SOMA_NEURITES:
        last = int(np.nonzero(on_soma)[0][SOMA_NEURITES])
        raise table.fault(last, f"more than {SOMA_NEURITES} neurites hang on the soma; no cell has as many")
    # Section ends above each point: summed over all ancestors in doubling steps.
    children = np.bincount(parent[parent >= 0], minlength=len(parent))
    ends = (parent >= 0) & ((children[parent] > 1) | (table.type_id != table.type_id[parent]))
    depth, ancestor = ends.astype(np.int64), parent.copy()
    while (ancestor >= 0).any():
        depth = np.where(ancestor >= 0, depth + depth[ancestor], depth)
        ancestor = np.where(ancestor >= 0, ancestor[ancestor], -1)
    if (row := _first(depth > DEPTH)) is not None:
        raise table.fault(row, f"more than {DEPTH} branch points one above the other; no cell has as many")


def jumps(table: SwcTable) -> Int[np.ndarray, " jump"]:
    """Rows whose point continues a path of its type from a line that is not the one before, and nothing branches."""
    neurite = table.type_id != SOMA
    parent = table.parent
    children = np.bincount(parent[parent >= 0], minlength=len(parent))
    continues = neurite & neurite[parent] & (parent >= 0) & (children[parent] == 1)
    continues &= (table.type_id == table.type_id[parent]) & (parent[parent] >= 0) & neurite[parent[parent]]
    return np.nonzero(continues & (parent != np.arange(len(parent)) - 1))[0]


@dataclass(frozen=True, eq=False)
class SomaSection:
    """A stretch of soma: points [n, 3], radii [n] (um), and where it joins an earlier one (parent -1: it does not)."""

    points: Float[np.ndarray, "n 3"]
    radii: Float[np.ndarray, " n"]
    parent: int = -1
    parent_loc: float = 1.0


@dataclass(frozen=True, eq=False)
class Attachment:
    """Where a neurite hangs: soma section, place on it, the soma's point [3] there, and whether a gap is left to it."""

    section: int
    loc: float
    point: Float[np.ndarray, " 3"]
    gap: bool


def sphere(center: Float[np.ndarray, " 3"], radius: float) -> SomaSection:
    """The cylinder that stands for a soma given as one point: as long as wide, along x as in NEURON's importer."""
    offsets = np.array([-radius, 0.0, radius])
    return SomaSection(center + offsets[:, None] * [1.0, 0.0, 0.0], np.full(3, radius))


def soma_of(table: SwcTable) -> tuple[list[SomaSection], dict[int, Attachment]]:
    """The sections of the soma, and for each row of it where a neurite that starts there hangs.

    One point, or NeuroMorpho's three-point sphere: a cylinder, neurites at its middle across a gap. Otherwise the
    points are a stack of cones from the root on; where the root branches, the second and further branches are sections
    that start there. Neurites on the first point hang at 0.0 (across a gap if the soma branches there), on a last
    point at 1.0, in between at 0.5 across a gap. Without a gap a neurite starts at the soma's point.
    The rules are those of NEURON 9's `Import3d_SWC_read`, found by comparing section by section.
    """
    rows = np.nonzero(table.type_id == SOMA)[0]
    if not len(rows):
        return [], {}
    children: dict[int, list[int]] = {int(row): [] for row in rows}
    for row in rows:
        if table.parent[row] >= 0:
            children[int(table.parent[row])].append(int(row))
    root = int(rows[table.parent[rows] < 0][0])
    center, radius = table.points[root], float(table.radii[root])
    if len(rows) == 1 or _is_three_point_sphere(table, root, children):
        return [sphere(center, radius)], {int(row): Attachment(0, 0.5, center, True) for row in rows}

    sections: list[SomaSection] = []
    attachments: dict[int, Attachment] = {}
    for start in children[root]:
        chain = [root, start]
        while children[chain[-1]]:
            chain.append(children[chain[-1]][0])
        for inner in chain[1:-1]:
            attachments[inner] = Attachment(len(sections), 0.5, table.points[inner], True)
        attachments[chain[-1]] = Attachment(len(sections), 1.0, table.points[chain[-1]], False)
        parent, parent_loc = (0, 0.0) if sections else (-1, 1.0)
        sections.append(SomaSection(table.points[chain], table.radii[chain], parent, parent_loc))
    attachments[root] = Attachment(0, 0.0, center, len(sections) > 1)
    return sections, attachments


def _is_three_point_sphere(table: SwcTable, root: int, children: dict[int, list[int]]) -> bool:
    """NeuroMorpho.org writes a sphere as its centre and two points at the ends of a diameter, bare of neurites."""
    ends = children[root]
    if len(children) != 3 or len(ends) != 2 or np.isin(table.parent, ends).any():
        return False
    if not (table.radii[ends] == table.radii[root]).all():
        return False
    apart = np.linalg.norm(table.points[ends] - table.points[root], axis=1).sum()
    return bool(abs(apart / (2 * table.radii[root]) - 1) < 0.01)
