"""Long branches in equal shorter ones: nothing is lost, and what hung on them hangs at the same place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.morphology import MorphologyError, discretize_all, read_reconstruction, with_short_sections

#: A soma of two points, 40 um long, a dendrite of 100 um with a kink that forks, and one on the middle of the soma.
TREE = (
    "1 1 0 0 0 5 -1\n2 1 20 0 0 6 1\n3 1 40 0 0 4 2\n4 3 100 0 0 2 3\n5 3 100 40 0 1 4\n"
    "6 3 130 40 0 1 5\n7 3 100 90 0 0.5 5\n8 3 20 -30 0 1 2\n9 3 20 -60 0 0.8 8\n"
)


def test_parts_are_equal_and_short_and_lose_nothing(swc: Callable[[str], Path]) -> None:
    whole = read_reconstruction(swc(TREE))
    short = with_short_sections(whole, 25.0)
    assert [round(s.length, 6) for s in whole] == [40, 100, 30, 50, 30]
    assert [round(s.length, 6) for s in short] == [20, 20, 25, 25, 25, 25, 15, 15, 25, 25, 15, 15]
    areas = [discretize_all(r.sections, [1] * len(r)).area.sum() for r in (whole, short)]
    assert areas[0] == pytest.approx(areas[1], rel=1e-12)
    # The dendrite on the middle of the soma now hangs on the end of its first half, the fork on the last quarter.
    assert [(short.sections[i].parent, short.sections[i].parent_loc) for i in (2, 6, 8, 10)] == [
        (1, 1.0), (5, 1.0), (5, 1.0), (0, 1.0)
    ]  # fmt: skip
    np.testing.assert_allclose(short.sections[4].points[-1], [100, 15, 0])
    thirds = with_short_sections(whole, 14.0)
    assert (thirds.sections[-3].parent, thirds.sections[-3].parent_loc) == (1, 0.5), "the middle of the middle third"


def test_read_swc_with_a_longest_branch(swc: Callable[[str], Path]) -> None:
    cell = rx.read_swc(swc(TREE), ncomp=1, max_branch_len=25.0)
    assert cell.shape == (12, 12) and cell.nodes["length"].max() == pytest.approx(25.0)
    assert cell.soma.shape == (2, 2)


@pytest.mark.parametrize("length", [0.0, -1.0, float("nan")])
def test_a_longest_branch_without_length(length: float, swc: Callable[[str], Path]) -> None:
    with pytest.raises(MorphologyError, match="max_branch_len=300"):
        rx.read_swc(swc(TREE), max_branch_len=length)
