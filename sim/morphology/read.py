"""Files to a `Reconstruction`: SWC, Neurolucida ASC and H5.

MorphIO (imported when first used, by `morphio_arrays.py`) reads the neurites; the soma and the places at which
neurites hang on it follow NEURON's importer (`swc.py`, `contour.py`). Says nothing about compartments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from .asc import check_points, line_of_point
from .contour import contour_to_stack
from .errors import MorphologyError
from .h5 import read_apart
from .morphio_arrays import MorphioArrays, arrays_of
from .reconstruction import SOMA, Reconstruction, Section, canonical_order, reindexed
from .swc import Attachment, SomaSection, SwcTable, jumps, read_table, soma_of, sphere
from .text import check_size

EXTENSIONS = (".swc", ".asc", ".h5")


def read_reconstruction(
    path: str | Path, *, min_radius: float | None = None, relevant_type_ids: list[int] | None = None
) -> Reconstruction:
    """Read a reconstruction from an SWC, Neurolucida ASC or H5 file, told by its extension.

    Sections end at branch points, at tips, where the type changes and, in SWC files as in NEURON, where a path goes on
    elsewhere in the file. With `relevant_type_ids` a change between two types that are both not in the list ends none.
    Sections without length are left out, what hangs on them moves to their parent. Coordinates are in um; `min_radius`
    (um) clips the radii.

    A soma of one point becomes a cylinder as long as wide, a contour (ASC, H5) the stack of cones of
    `contour_to_stack`. Without a soma the file must hold a single tree, whose first section is then the root.

    Raises:
        MorphologyError: (a ValueError) one line with the file, and the line in it for text files.
    """
    path = Path(path)
    if path.suffix.lower() not in EXTENSIONS:
        raise MorphologyError(f"{path}: unknown extension {path.suffix!r}; can read {', '.join(EXTENSIONS)}")
    if not path.is_file():
        raise MorphologyError(
            f"{path}: {'is no plain file; name a reconstruction' if path.exists() else 'no such file'}"
        )
    if min_radius is not None and not min_radius > 0:
        raise MorphologyError(f"{path}: min_radius must be above 0 um, not {min_radius:g}")
    table = None
    try:
        check_size(path, path.stat().st_size)
        if path.suffix.lower() == ".swc":
            table = read_table(path, clipped_radii=min_radius is not None)
        if path.suffix.lower() == ".asc":
            check_points(path)
        neurites, soma_points, soma_radii = _read_with_morphio(path)
    except OSError as error:
        raise MorphologyError(f"{path}: cannot be read: {error.strerror or error}") from None

    soma, roots = (
        _attach_by_table(table, neurites)
        if table is not None
        else _attach_to_middle(path, neurites, soma_points, soma_radii)
    )
    if not soma and not roots:
        raise MorphologyError(f"{path}: neither soma nor neurites in this file")
    if table is None:
        _check_radii(path, roots, clipped=min_radius is not None)
    _merge_unifurcations(roots, relevant_type_ids)
    if table is not None:
        _split_at_jumps(table, roots)
    sections = _flatten(path, soma, _drop_empty(roots))
    if min_radius is not None:
        sections = [replace(section, radii=np.maximum(section.radii, min_radius)) for section in sections]
    order = canonical_order([section.type_id for section in sections], [section.parent for section in sections])
    return Reconstruction(reindexed(sections, order), str(path))


@dataclass(eq=False)
class _Branch:
    """A section under construction; `soma` is where a root hangs (None: nowhere), `loc` the place on its parent."""

    points: Float[np.ndarray, "n 3"]
    radii: Float[np.ndarray, " n"]
    type_id: int
    children: list[_Branch] = field(default_factory=list)
    soma: int | None = None
    loc: float = 1.0
    own_start: bool = False


def _read_with_morphio(path: Path) -> tuple[list[_Branch], Float[np.ndarray, "n 3"], Float[np.ndarray, " n"]]:
    """Trees of neurites (their roots), and points and radii of the soma, in float64 from MorphIO's float32."""
    try:
        # Text was looked through before; what a binary file makes of its reader nobody knows.
        found = read_apart(path) if path.suffix.lower() == ".h5" else arrays_of(path)
    except UnicodeDecodeError:  # MorphIO's message quotes a part of the file that is not text
        raise MorphologyError(
            f"{path}: not readable as {path.suffix[1:].upper()}: it holds bytes that are no text"
        ) from None
    except (IndexError, RuntimeError, MemoryError) as error:  # MorphIO's own are RuntimeErrors, as are those of its C++
        raise _translated(path, error) from None
    return _trees(path, found)


def _trees(path: Path, found: MorphioArrays) -> tuple[list[_Branch], Float[np.ndarray, "n 3"], Float[np.ndarray, " n"]]:
    points, radii = found.points.astype(np.float64), found.diameters.astype(np.float64) / 2
    branches = [
        _Branch(points[start:end], radii[start:end], int(type_id))
        for start, end, type_id in zip(found.offsets[:-1], found.offsets[1:], found.types, strict=True)
    ]
    roots = []
    for branch, parent in zip(branches, found.parents, strict=True):
        if not len(branch.points):
            raise MorphologyError(f"{path}: a section has no points; give each of them two or more")
        if parent >= 0:
            branches[parent].children.append(branch)
        else:
            roots.append(branch)
    return roots, found.soma_points.astype(np.float64), found.soma_diameters.astype(np.float64) / 2


def _translated(path: Path, error: Exception) -> MorphologyError:
    """MorphIO's coloured paragraph as one line of ours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).replace(str(path), path.name)
    number = re.search(r":(\d+):error", text)
    place = f"{path}:{number.group(1)}" if number else str(path)
    words = " ".join(line.strip() for line in text.splitlines() if line.strip() and ":error" not in line)
    return MorphologyError(f"{place}: not readable as {path.suffix[1:].upper()}: {words}")


def _attach_by_table(table: SwcTable, roots: list[_Branch]) -> tuple[list[SomaSection], list[_Branch]]:
    """Hang the neurites of an SWC file on the soma points that its lines name, neurites in the order of the file.

    MorphIO tells where a neurite starts but not on which soma point; the first point finds the line again.
    """
    _start_at_parent(roots)
    soma, attachments = soma_of(table)
    if not soma:
        for root in roots:
            root.own_start = True
        return soma, roots
    starts = np.nonzero((table.type_id != SOMA) & (table.type_id[table.parent] == SOMA))[0]
    free = np.asarray(starts)
    found: dict[int, _Branch] = {}
    for root in roots:
        if not len(free):
            raise MorphologyError(
                f"{table.path}: its neurites cannot be told apart; leave out points that repeat others"
            )
        best = int(np.argmin(_mismatches(table, free, root)))
        found[int(free[best])] = root
        free = np.delete(free, best)
    for row, root in found.items():
        attachment = attachments[int(table.parent[row])]
        root.soma, root.loc, root.own_start = attachment.section, attachment.loc, attachment.gap
        alone = len(root.points) == 1 and not root.children
        if not attachment.gap or alone:
            _prepend(root, attachment)
    return soma, [found[row] for row in sorted(found)]


def _start_at_parent(roots: list[_Branch]) -> None:
    """Begin each branch with its parent's last radius; MorphIO leaves that point out where the next one repeats it."""
    for branch in _depth_first(roots):
        for child in branch.children:
            if child.radii[0] != branch.radii[-1]:
                child.points = np.concatenate([branch.points[-1:], child.points])
                child.radii = np.concatenate([branch.radii[-1:], child.radii])


def _mismatches(table: SwcTable, rows: Int[np.ndarray, " n"], root: _Branch) -> Float[np.ndarray, " n"]:
    """How far a neurite's first point is from those of some lines: place, radius and type together."""
    apart = np.abs(table.points[rows] - root.points[0]).sum(axis=1) + np.abs(table.radii[rows] - root.radii[0])
    return apart + np.abs(table.type_id[rows] - root.type_id)


def _prepend(root: _Branch, attachment: Attachment) -> None:
    """Start at the soma's point, with the neurite's own first radius so that the soma's girth is not counted twice."""
    root.points = np.concatenate([attachment.point[None], root.points])
    root.radii = np.concatenate([root.radii[:1], root.radii])
    root.own_start = False


def _attach_to_middle(
    path: Path, roots: list[_Branch], soma_points: Float[np.ndarray, "n 3"], soma_radii: Float[np.ndarray, " n"]
) -> tuple[list[SomaSection], list[_Branch]]:
    """Hang every neurite of an ASC or H5 file on the middle of the soma, across a gap."""
    for root in roots:
        root.own_start = True
    if not len(soma_points):
        if len(roots) > 1:
            raise MorphologyError(f"{path}: no soma, which {len(roots)} separate trees need to be joined")
        return [], roots
    for root in roots:
        root.soma, root.loc = 0, 0.5
    if len(soma_points) == 1:
        return [sphere(soma_points[0], float(soma_radii[0]))], roots
    try:
        return [SomaSection(*contour_to_stack(soma_points))], roots
    except ValueError as error:
        raise MorphologyError(f"{path}: {error}") from None


def _check_radii(path: Path, roots: list[_Branch], clipped: bool) -> None:
    for branch in _depth_first(roots):
        finite = np.isfinite(branch.radii) & np.isfinite(branch.points).all(axis=1)
        bad = ~finite | ((branch.radii <= 0) & (not clipped))
        if not bad.any():
            continue
        i = int(np.argmax(bad))
        line = line_of_point(path, branch.points[i], branch.radii[i]) if path.suffix.lower() == ".asc" else None
        place = f"{path}:{line}" if line else str(path)
        at = " ".join(f"{x:g}" for x in branch.points[i])
        raise MorphologyError(
            f"{place}: radius {branch.radii[i]:g} um at ({at}) must be finite and above 0 (min_radius would clip it)"
        )


def _depth_first(roots: list[_Branch]) -> Iterator[_Branch]:
    """Parents before children, in order; children added to a branch while it is visited are followed."""
    todo = roots[::-1]
    while todo:
        branch = todo.pop()
        yield branch
        todo.extend(branch.children[::-1])


def _merge_unifurcations(roots: list[_Branch], relevant_type_ids: list[int] | None) -> None:
    """Make one branch of two where nothing branches and the type stays, or changes between types not relevant."""

    def alike(one: int, other: int) -> bool:
        if relevant_type_ids is None:
            return one == other
        return one == other or (one not in relevant_type_ids and other not in relevant_type_ids)

    for branch in _depth_first(roots):
        while len(branch.children) == 1 and alike(branch.type_id, branch.children[0].type_id):
            child = branch.children[0]
            repeated = (child.points[0] == branch.points[-1]).all() and child.radii[0] == branch.radii[-1]
            branch.points = np.concatenate([branch.points, child.points[int(repeated) :]])
            branch.radii = np.concatenate([branch.radii, child.radii[int(repeated) :]])
            branch.children = child.children


def _split_at_jumps(table: SwcTable, roots: list[_Branch]) -> None:
    """Start a section where a path goes on elsewhere in the file, as NEURON does.

    So a stretch that was traced later and stands at the end of the file is a section of its own, and equal numbers of
    compartments mean equal compartments. Where jumps outnumber branches the file is not in the order of its paths, and
    they mean nothing.
    """
    rows, branches = jumps(table), list(_depth_first(roots))
    if len(rows) > len(branches):
        return
    coordinates = table.points.astype(np.float32)
    wanted = {coordinates[[table.parent[row], row]].tobytes() for row in rows}
    for branch in branches if wanted else []:
        points = branch.points.astype(np.float32)
        places = [k for k in range(1, len(points) - 1) if points[k : k + 2].tobytes() in wanted]
        for k in reversed(places):
            rest = _Branch(branch.points[k:], branch.radii[k:], branch.type_id, branch.children)
            branch.points, branch.radii, branch.children = branch.points[: k + 1], branch.radii[: k + 1], [rest]


def _drop_empty(roots: list[_Branch]) -> list[_Branch]:
    """Leave out branches without length; what hangs on them moves to the place where they hung."""

    def replacements(branches: list[_Branch]) -> list[_Branch]:
        kept, todo = [], branches[::-1]
        while todo:
            branch = todo.pop()
            if (branch.points != branch.points[0]).any():
                kept.append(branch)
                continue
            for child in branch.children:
                child.soma, child.loc, child.own_start = branch.soma, branch.loc, branch.own_start
            todo.extend(branch.children[::-1])
        return kept

    kept = replacements(roots)
    for branch in _depth_first(kept):
        branch.children = replacements(branch.children)
    return kept


def _flatten(path: Path, soma: list[SomaSection], roots: list[_Branch]) -> list[Section]:
    """All sections, soma first, then depth first."""
    sections = [Section(s.points, s.radii, SOMA, s.parent, s.parent_loc, s.parent < 0) for s in soma]
    for section in sections:
        if section.length == 0:
            raise MorphologyError(
                f"{path}: the soma has no length; give it one point, or points apart from one another"
            )
    if not soma and len(roots) > 1:
        # The tree branched at its very first point: the first branch is the root, the others start where it starts.
        roots, others = roots[:1], roots[1:]
        for other in others:
            other.loc, other.own_start = 0.0, False
        roots[0].children = others + roots[0].children
    parents = {id(root): -1 if root.soma is None else root.soma for root in roots}
    for branch in _depth_first(roots):
        for child in branch.children:
            parents[id(child)] = len(sections)
        sections.append(
            Section(branch.points, branch.radii, branch.type_id, parents[id(branch)], branch.loc, branch.own_start)
        )
    return sections
