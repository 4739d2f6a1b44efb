"""What the layer-5 benchmark rests on: its table of compartments, and mechanisms equal to jaxley-mech's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.mark.data
def test_table_has_the_compartments_of_the_published_example(data_dir: Path) -> None:
    from _l5pc_rallax import count_compartments

    from rallax.sim.morphology import read_reconstruction

    reconstruction = read_reconstruction(data_dir / "morphologies" / "rat_l5pc_with_axon.swc")
    ncomps = [count_compartments(section) for section in reconstruction]
    assert (len(ncomps), sum(ncomps)) == (324, 1786)
    # Jaxley's cell has one compartment for the soma and every neurite at one of its ends.
    assert ncomps[0] == 1
    places = zip(reconstruction.parents, reconstruction.parent_locs, strict=True)
    neurites = [loc for parent, loc in places if parent == 0]
    assert neurites == [0.0] * 12


def test_starts_are_within_the_bounds_and_do_not_depend_on_their_number() -> None:
    import _l5pc as problem

    theta = problem.starts(3)
    assert ((theta > problem.SPACE.lower) & (theta < problem.SPACE.upper)).all()
    np.testing.assert_array_equal(problem.starts(2), theta[:2])


@pytest.mark.peers
def test_each_mechanism_moves_as_in_jaxley_mech() -> None:
    pytest.importorskip("jaxley_mech")
    from _l5pc_mechanisms import compare

    for name, (states, current) in compare().items():
        assert states < 1e-9, name
        assert current < 1e-12, name
