"""Values picked for entries and summed by row: against NumPy, and each as the transpose of the other."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.sim.grouped_rows import Grouping

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
