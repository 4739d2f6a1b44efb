"""Wiring: who is joined with whom, and that random choices are what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rallax.sim as rx


def network(n_cells: int = 6) -> Any:
    """Cells of three branches with two compartments each."""
    return rx.Network([rx.Cell(rx.Branch(rx.Compartment(), 2), parents=[-1, 0, 0])] * n_cells)


def pairs(net: Any) -> np.ndarray:
    """Compartments joined, [synapse, 2]."""
    return net.edges[["pre_index", "post_index"]].to_numpy(dtype=int)


def test_connect_one_to_one() -> None:
    net = network()
    rx.connect(net.cell(0).branch("all").comp(1), net.cell(1).branch("all").comp(0), rx.IonotropicSynapse())
    rx.connect(net.cell(2).branch(0).loc(1.0), net.cell([4, 5]).branch(2).comp(1), rx.TestSynapse())
    rx.connect(net.cell(3).branch([0, 1]).comp(0), net.cell(0).branch(1).loc(0.0), rx.IonotropicSynapse())
    assert pairs(net).tolist() == [[1, 6], [3, 8], [5, 10], [13, 29], [13, 35], [18, 2], [20, 2]]
    assert net.edges["index_within_type"].tolist() == [0, 1, 2, 0, 1, 3, 4]
    assert net.edges["type_ind"].tolist() == [0, 0, 0, 1, 1, 0, 0]
    np.testing.assert_array_equal(net.edges[["pre_locs", "post_locs"]].iloc[0], [0.75, 0.25])


def test_fully_connect() -> None:
    """Every cell with every cell, from the first compartment of the view to the first one."""
    net = network()
    rx.fully_connect(net.cell([0, 3]), net.cell([3, 4, 5]), rx.IonotropicSynapse())
    assert pairs(net).tolist() == [[a, b] for a in (0, 18) for b in (18, 24, 30)]
    other = network()
    rx.fully_connect(other.cell([0, 1]).branch(1), other.cell(2).branch(2).comp(1), rx.TestSynapse())
    assert pairs(other).tolist() == [[2, 17], [8, 17]]


def test_connectivity_matrix() -> None:
    net = network()
    matrix = np.array([[True, False, True], [False, False, False], [False, True, True]])
    rx.connectivity_matrix_connect(net.cell([0, 1, 2]), net.cell([3, 4, 5]), rx.IonotropicSynapse(), matrix)
    assert pairs(net).tolist() == [[0, 18], [0, 30], [12, 24], [12, 30]]
    nothing = network()
    rx.connectivity_matrix_connect(nothing.cell(0), nothing.cell(1), rx.IonotropicSynapse(), np.array([[False]]))
    assert len(nothing.edges) == 0


def test_sparse_connect_draws_each_pair_with_its_probability() -> None:
    """Number of synapses binomial, each pair at most once and as often as any other."""
    n, p, draws = 6, 0.3, 200
    counts, numbers = np.zeros((n, n)), []
    for seed in range(draws):
        net = rx.Network([rx.Compartment()] * n)
        rx.sparse_connect(net.cell("all"), net.cell("all"), rx.IonotropicSynapse(), p, seed=seed)
        found = pairs(net)
        assert len(np.unique(found, axis=0)) == len(found)
        np.add.at(counts, tuple(found.T), 1)
        numbers.append(len(found))
    spread = np.sqrt(n * n * p * (1 - p))
    assert abs(np.mean(numbers) - n * n * p) < 4 * spread / np.sqrt(draws)
    assert 0.8 * spread < np.std(numbers) < 1.2 * spread
    assert np.abs(counts - draws * p).max() < 4.5 * np.sqrt(draws * p * (1 - p))
    for p, expected in ((0.0, 0), (1.0, 16)):
        net = network(8)
        rx.sparse_connect(net.cell(range(4)), net.cell(range(4, 8)), rx.IonotropicSynapse(), p)
        assert len(net.edges) == expected


@pytest.mark.parametrize("how", ["full", "sparse", "matrix"])
def test_random_post_compartments_do_not_follow_the_presynaptic_cells(how: str) -> None:
    """Every compartment of the post cell is as likely for each pre cell; sorted with sorted would correlate them."""
    n_pre, n_post = 30, 8
    net = network(n_pre + n_post)
    pre, post = net.cell(range(n_pre)), net.cell(range(n_pre, n_pre + n_post))
    synapse = rx.IonotropicSynapse()
    if how == "full":
        rx.fully_connect(pre, post, synapse, random_post_comp=True, seed=0)
    elif how == "sparse":
        rx.sparse_connect(pre, post, synapse, 0.9, random_post_comp=True, seed=0)
    else:
        matrix = np.random.default_rng(1).random((n_pre, n_post)) < 0.9
        rx.connectivity_matrix_connect(pre, post, synapse, matrix, random_post_comp=True, seed=0)
    found = pairs(net)
    assert np.all(found[:, 0] % 6 == 0), "from the first compartment of each cell"
    place, cell = found[:, 1] % 6, found[:, 1] // 6
    assert set(cell) == set(range(n_pre, n_pre + n_post))
    n = len(found)
    counts = np.bincount(place, minlength=6)
    assert ((counts - n / 6) ** 2 / (n / 6)).sum() < 20.5, "chi squared of 5 degrees of freedom, p = 0.001"
    for c in np.unique(cell):
        mine = place[cell == c]
        assert abs(np.corrcoef(found[cell == c, 0], mine)[0, 1]) < 4 / np.sqrt(len(mine))
        assert np.any(np.diff(mine) < 0), "not sorted"


def test_seeds() -> None:
    """A seed, a generator, or numpy's global state makes draws repeatable; without one they differ."""

    def drawn(**kwargs: Any) -> list[list[int]]:
        net = network(8)
        rx.sparse_connect(
            net.cell("all"), net.cell("all"), rx.IonotropicSynapse(), 0.5, random_post_comp=True, **kwargs
        )
        return pairs(net).tolist()

    assert drawn(seed=3) == drawn(seed=3) == drawn(seed=np.random.default_rng(3)) != drawn(seed=4)
    np.random.seed(5)  # noqa: NPY002
    first = drawn()
    assert first != drawn()
    np.random.seed(5)  # noqa: NPY002
    assert first == drawn()


def test_refusals() -> None:
    net, other, cell = network(2), network(2), rx.Cell()
    a, b = net.cell(0).branch(0).comp(0), net.cell(1).branch(0).comp(0)
    named = rx.IonotropicSynapse("Mine")
    rx.connect(a, b, named)
    relu = rx.CurrentSynapse(np.abs)
    rx.connect(a, b, relu)
    net.insert(rx.HH())
    both = net.cell("all")
    cases: list[tuple[str, Any]] = [
        (
            "equally many compartments, not 2 and 3",
            lambda: rx.connect(net[0, 0], net.cell(1).branch("all").comp(0), named),
        ),
        ("of one network", lambda: rx.connect(a, other.cell(1).branch(0).comp(0), named)),
        ("of one network", lambda: rx.connect(cell.branch(0), cell.branch(0), named)),
        ("takes a synapse such as IonotropicSynapse", lambda: rx.connect(a, b, rx.HH())),
        ("takes a synapse such as IonotropicSynapse", lambda: rx.connect(a, b, rx.IonotropicSynapse)),
        ("CurrentSynapse is connected already with other options", lambda: rx.connect(a, b, rx.CurrentSynapse())),
        ("'HH' of the synapse HH is taken already", lambda: rx.connect(a, b, rx.TestSynapse("HH"))),
        ("probability from 0 to 1, not p=1.5", lambda: rx.sparse_connect(both, both, named, 1.5)),
        (
            r"\(pre, post\) = \(2, 2\), not \(2, 3\)",
            lambda: rx.connectivity_matrix_connect(both, both, named, np.ones((2, 3), bool)),
        ),
        ("holds True and False", lambda: rx.connectivity_matrix_connect(both, both, named, np.ones((2, 2)))),
    ]
    for pattern, call in cases:
        with pytest.raises(ValueError, match=pattern) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert len(net.edges) == 2
