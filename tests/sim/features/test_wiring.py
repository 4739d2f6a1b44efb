"""Who is joined with whom (row E2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx


def network(n: int = 6) -> Any:
    return rx.Network([rx.Cell(rx.Branch(rx.Compartment(), 3), parents=[-1, 0])] * n)


def pairs(net: Any) -> list[tuple[int, int]]:
    cell = net.nodes["global_cell_index"].to_numpy()
    return [(int(cell[a]), int(cell[b])) for a, b in net.edges[["pre_index", "post_index"]].to_numpy(int)]


def test_one_by_one() -> None:
    net = network()
    rx.connect(net.cell([0, 1]).branch(1).loc(1.0), net.cell([2, 3]).branch(0).loc(0.5), rx.IonotropicSynapse())
    rx.connect(net.cell(4).branch(0).comp(0), net.cell([0, 5]).branch(0).comp(1), rx.IonotropicSynapse())
    assert net.edges[["pre_index", "post_index"]].to_numpy(int).tolist() == [[5, 13], [11, 19], [24, 1], [24, 31]]
    np.testing.assert_allclose(net.edges["pre_locs"], [5 / 6, 5 / 6, 1 / 6, 1 / 6])
    with pytest.raises(ValueError, match="equally many compartments, not 2 and 3"):
        rx.connect(net.cell(0).branch("all").comp(0), net.cell(1).branch(0), rx.IonotropicSynapse())
    with pytest.raises(ValueError, match="of one network"):
        rx.connect(net.cell(0), network().cell(0), rx.IonotropicSynapse())
    with pytest.raises(ValueError, match="connected already with other options"):
        rx.connect(net.cell(0), net.cell(1), rx.GapJunction("IonotropicSynapse"))


@pytest.mark.parametrize("anywhere", [False, True])
def test_all_with_all(anywhere: bool) -> None:
    net = network()
    pre, post = net.cell([0, 1, 2]), net.cell([4, 5])
    rx.fully_connect(pre, post, rx.TanhRateSynapse(), random_post_comp=anywhere, seed=1)
    assert pairs(net) == [(i, j) for i in (0, 1, 2) for j in (4, 5)]
    assert set(net.edges["pre_index"] % 6) == {0}
    assert (set(net.edges["post_index"] % 6) == {0}) != anywhere


def test_some_with_some() -> None:
    net = network()
    rx.sparse_connect(net.cell("all"), net.cell("all"), rx.TanhRateSynapse(), p=0.5, random_post_comp=True, seed=3)
    found = pairs(net)
    assert len(set(found)) == len(found) and 8 < len(found) < 28, "36 pairs, each at most once"
    again = network()
    rx.sparse_connect(again.cell("all"), again.cell("all"), rx.TanhRateSynapse(), p=0.5, random_post_comp=True, seed=3)
    assert again.edges.equals(net.edges)
    for p, expected in ((0.0, 0), (1.0, 36)):
        other = network()
        rx.sparse_connect(other.cell("all"), other.cell("all"), rx.TanhRateSynapse(), p=p)
        assert len(set(pairs(other))) == len(other.edges) == expected
    with pytest.raises(ValueError, match="a probability from 0 to 1"):
        rx.sparse_connect(net.cell(0), net.cell(1), rx.TanhRateSynapse(), p=1.5)


def test_by_a_matrix() -> None:
    net = network()
    matrix = np.array([[True, False, True], [False, True, False]])
    rx.connectivity_matrix_connect(net.cell([0, 1]), net.cell([3, 4, 5]), rx.TanhRateSynapse(), matrix)
    assert pairs(net) == [(0, 3), (0, 5), (1, 4)]
    with pytest.raises(ValueError, match=r"\(2, 3\), not \(3, 2\)"):
        rx.connectivity_matrix_connect(net.cell([0, 1]), net.cell([3, 4, 5]), rx.TanhRateSynapse(), matrix.T)
    with pytest.raises(ValueError, match="True and False, not int64"):
        rx.connectivity_matrix_connect(net.cell([0, 1]), net.cell([3, 4, 5]), rx.TanhRateSynapse(), matrix.astype(int))
