"""The grown cell: the same each time, of a plausible shape, and readable by the field's reader."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from rallax.workflows.example.grow import SOMA_RADIUS_UM, Reconstruction, grow_pyramidal_cell
from rallax.workflows.example.swc import write_swc
from rallax.workflows.example.targets import CELL_SEED

SEEDS = (CELL_SEED, 0, 1, 2, 3)


def branches(cell: Reconstruction) -> list[list[int]]:
    """Unbranched runs of points (identifiers), each beginning with the point that it grows from."""
    children: dict[int, list[int]] = {}
    for row in cell.rows:
        children.setdefault(row[6], []).append(row[0])
    runs = []
    for parent, daughters in children.items():
        if parent == -1 or (len(daughters) == 1 and parent != 1):
            continue
        for daughter in daughters:
            run = [parent, daughter]
            while len(children.get(run[-1], [])) == 1:
                run.append(children[run[-1]][0])
            runs.append(run)
    return runs


def test_same_seed_same_cell_other_seed_other_cell() -> None:
    assert grow_pyramidal_cell(7).rows == grow_pyramidal_cell(7).rows
    assert grow_pyramidal_cell(7).rows != grow_pyramidal_cell(8).rows


@pytest.mark.parametrize("seed", SEEDS)
def test_tree_is_whole(seed: int) -> None:
    rows = grow_pyramidal_cell(seed).rows
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0][1] == 1 and rows[0][6] == -1
    types = {row[0]: row[1] for row in rows}
    for identifier, type_id, *_, radius, parent in rows[1:]:
        assert 0 < parent < identifier
        assert type_id in (2, 3, 4)
        assert types[parent] in (1, type_id), "a tree keeps its type"
        assert radius > 0.2
    assert {2, 3, 4} <= set(types.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_size_and_shape_are_a_pyramidal_cells(seed: int) -> None:
    cell = grow_pyramidal_cell(seed)
    runs = branches(cell)
    assert 60 <= len(runs) <= 100
    by_type = {t: [run for run in runs if cell.rows[run[1] - 1][1] == t] for t in (2, 3, 4)}
    assert len(by_type[2]) == 5
    assert len([run for run in by_type[3] if run[0] == 1]) == 6, "six basal trees"
    apical = np.array([row[2:5] for row in cell.rows if row[1] == 4])
    assert 400.0 < apical[:, 1].max() < 800.0, "the tuft reaches towards the pia"
    lengths = [length(cell, run) for run in runs]
    assert 4000.0 < sum(lengths) < 9000.0
    initial_segment = next(run for run in by_type[2] if run[0] == 1)
    assert length(cell, initial_segment[1:]) > 60.0


def length(cell: Reconstruction, run: list[int]) -> float:
    return sum(float(np.linalg.norm(cell.position(b) - cell.position(a))) for a, b in itertools.pairwise(run))


@pytest.mark.parametrize("seed", SEEDS)
def test_radii_taper_and_daughters_obey_ralls_power_law(seed: int) -> None:
    cell = grow_pyramidal_cell(seed)
    ends: dict[int, list[float]] = {}
    for run in branches(cell):
        radii = [cell.radius(identifier) for identifier in run[1:]]
        assert all(b <= a for a, b in itertools.pairwise(radii))
        if run[0] != 1:
            ends.setdefault(run[0], []).append(radii[0])
    basal = [(cell.radius(end), first) for end, first in ends.items() if cell.rows[end - 1][1] == 3]
    assert len(basal) > 5
    for parent, daughters in basal:
        # The first step of a daughter has tapered by a few per cent; the thinnest radius may add to thin ones.
        thick = [r for r in daughters if r > 0.35]
        assert sum(r**1.5 for r in thick) <= 1.01 * parent**1.5
        assert max(daughters) > 0.5 * parent


def test_neurites_start_on_the_soma() -> None:
    cell = grow_pyramidal_cell(CELL_SEED)
    stems = [row for row in cell.rows if row[6] == 1]
    assert len(stems) == 8
    for stem in stems:
        assert np.linalg.norm(cell.position(stem[0])) == pytest.approx(SOMA_RADIUS_UM, abs=0.01)


def test_swc_is_read_back_as_it_was_grown(tmp_path: Path) -> None:
    import morphio

    cell = grow_pyramidal_cell(CELL_SEED)
    write_swc(cell, tmp_path / "cell.swc", "grown")
    read = morphio.Morphology(str(tmp_path / "cell.swc"))
    assert len(list(read.iter())) == len(branches(cell))
    assert read.soma.diameters[0] == pytest.approx(2.0 * SOMA_RADIUS_UM)
    total = sum(len(section.points) for section in read.iter())
    # MorphIO repeats the branch point at the head of each daughter of a neurite.
    repeated = sum(not section.is_root for section in read.iter())
    assert total - repeated == len(cell.rows) - 1
