"""Values picked for entries and summed by row: against NumPy, and each as the transpose of the other."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.sim.grouped_rows import Grouping, stretches

indices = st.integers(1, 9).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), min_size=1, max_size=40))
)


def check(index: np.ndarray, n_rows: int) -> Grouping:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(n_rows, 3)), random.normal(size=(len(index), 3))
    expected = np.zeros((n_rows, 3))
    np.add.at(expected, index, y)
    grouping = Grouping.of(index, n_rows)
    for apart in (False, True):
        picked, transpose = jax.vjp(lambda x, apart=apart: grouping.picked(x, apart=apart), jnp.asarray(x))
        np.testing.assert_array_equal(picked, x[index])
        np.testing.assert_allclose(transpose(jnp.asarray(y))[0], expected, rtol=1e-12, atol=1e-12)
    summed, transpose = jax.vjp(grouping.summed, jnp.asarray(y))
    np.testing.assert_allclose(summed, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(transpose(jnp.asarray(x))[0], x[index])
    return grouping


@settings(max_examples=25, deadline=None)
@given(indices)
def test_any_index(drawn: tuple[int, list[int]]) -> None:
    n_rows, index = drawn
    check(np.asarray(index), n_rows)


@pytest.mark.parametrize("order", ["slots", "mixed"])
def test_equal_numbers_of_entries(order: str) -> None:
    """In the order of the slots nothing has to be looked up entry by entry."""
    index = np.tile(np.arange(3, 43), 5)
    if order == "mixed":
        index = np.random.default_rng(1).permutation(index)
    grouping = check(index, 50)
    assert (grouping.order is None) == (order == "slots")
    assert [(width, len(starts)) for width, starts in grouping.slots] == [(40, 5)]


@pytest.mark.parametrize("n_rows", [80, 150], ids=["every row has entries", "some rows have none"])
def test_rows_in_stretches(n_rows: int) -> None:
    """Two populations of neighbours: their rows are copied by stretches."""
    rows = np.arange(80) if n_rows == 80 else np.concatenate([np.arange(5, 50), np.arange(90, 125)])
    grouping = check(np.tile(rows, 3), n_rows)
    if n_rows == 80:
        assert grouping.first == grouping.sums == ((0, 80),)
    else:
        assert grouping.first == ((5, 45), (90, 35))
        assert grouping.sums == ((None, 5), (0, 45), (None, 40), (45, 35), (None, 25))


def test_many_slots_are_copied_by_a_loop() -> None:
    grouping = check(np.tile(np.arange(3), 70), 4)
    assert grouping.order is None and len(grouping.slots[0][1]) == 70


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.integers(0, 7))
def test_stretches_are_the_rows(rows: list[int], none: int) -> None:
    found = stretches(np.asarray(rows), none)
    if found is None:
        return
    told = [none if start is None else start + k for start, n in found for k in range(n)]
    assert told == rows and len(found) <= 8
    assert all(start is None or start + n <= none or start > none for start, n in found)


def test_rows_in_many_stretches_are_looked_up() -> None:
    assert stretches(np.arange(0, 40, 2), 40) is None
    assert Grouping.of(np.tile(np.arange(0, 160, 2), 2), 160).first is None


def test_numbers_of_entries_all_different() -> None:
    """More widths than are written out: slots are made wider, and one row with very many entries goes by a loop."""
    index = np.concatenate([np.repeat(np.arange(60), np.arange(60)), np.full(200, 3)])
    grouping = check(index, 70)
    assert grouping.order is not None and len(grouping.order) > len(index)
    assert len(grouping.slots) <= 32 and max(len(starts) for _, starts in grouping.slots) > 64


def test_forward_mode_and_batches() -> None:
    index = np.array([2, 0, 2, 1, 2])
    grouping = Grouping.of(index, 4)
    x = jnp.asarray(np.random.default_rng(2).normal(size=(6, 4, 2)))
    np.testing.assert_array_equal(jax.vmap(grouping.picked)(x), x[:, index])
    value, tangent = jax.jvp(grouping.picked, (x[0],), (x[1],))
    np.testing.assert_array_equal(tangent, x[1][index])
    np.testing.assert_array_equal(value, x[0][index])
    np.testing.assert_allclose(jax.vmap(grouping.summed)(x[:, index]), [grouping.summed(y) for y in x[:, index]])
