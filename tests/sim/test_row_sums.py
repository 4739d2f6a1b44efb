"""Rows added into rows: an index and a scatter in value, its own transpose, under every transform."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.sim.row_sums import added_rows

WIDTH = 3


@st.composite
def moves(draw: st.DrawFn) -> tuple[Any, Any, int, int]:
    """Sources and targets for single rows and for `WIDTH` rows, and the numbers of rows on both sides."""
    n, m = draw(st.integers(WIDTH, 12)), draw(st.integers(WIDTH, 12))
    pairs = [draw(st.lists(st.tuples(st.integers(0, n - w), st.integers(0, m - w)), max_size=5)) for w in (1, WIDTH)]
    sources, targets = ([np.array([p[k] for p in pair], np.int32) for pair in pairs] for k in (0, 1))
    return sources, targets, n, m


def plainly(x: jax.Array, sources: Any, targets: Any, m: int) -> jax.Array:
    found = jnp.zeros((m, *x.shape[1:]), x.dtype)
    for width, source, target in zip((1, WIDTH), sources, targets, strict=True):
        for s, t in zip(source, target, strict=True):
            found = found.at[t : t + width].add(x[s : s + width])
    return found


@settings(deadline=None, max_examples=25)
@given(moves())
def test_against_an_index_and_a_scatter(case: tuple[Any, Any, int, int]) -> None:
    sources, targets, n, m = case
    x = jnp.asarray(np.random.default_rng(0).integers(-9, 9, (n, 2)).astype(float))

    def ours(x: jax.Array) -> jax.Array:
        return added_rows(x, [jnp.asarray(s) for s in sources], [jnp.asarray(t) for t in targets], (1, WIDTH), m)

    expected = plainly(x, sources, targets, m)
    np.testing.assert_array_equal(ours(x), expected)
    np.testing.assert_array_equal(jax.jit(ours)(x), expected)
    y = jnp.asarray(np.random.default_rng(1).integers(-9, 9, (m, 2)).astype(float))
    back = jax.linear_transpose(ours, x)(y)[0]
    assert jnp.vdot(back, x) == jnp.vdot(y, expected)


@pytest.mark.parametrize("n_pairs", [0, 1, 4])
def test_under_transforms(n_pairs: int) -> None:
    rng = np.random.default_rng(2)
    x = jnp.asarray(rng.normal(size=(5, 2)))
    source, target = (jnp.asarray(rng.integers(0, n, n_pairs), jnp.int32) for n in (5, 6))

    def ours(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.cos(added_rows(jnp.sin(x), [source], [target], [1], 6)) ** 2)

    def theirs(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.cos(jnp.zeros((6, 2)).at[target].add(jnp.sin(x)[source])) ** 2)

    many = jnp.stack([x, 2 * x])
    for transform in (
        lambda f: f(x),
        lambda f: jax.grad(f)(x),
        lambda f: jax.jvp(f, (x,), (jnp.cos(x),))[1],
        lambda f: jax.hessian(f)(x),
        lambda f: jax.vmap(jax.grad(f))(many),
        lambda f: jax.vmap(f, in_axes=1)(jnp.moveaxis(many, 0, 1)),
        lambda f: jax.vmap(f, in_axes=2)(jnp.moveaxis(many, 0, 2)),
    ):
        np.testing.assert_allclose(transform(ours), transform(theirs), rtol=1e-12, atol=1e-14)
