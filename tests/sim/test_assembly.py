"""Blocks put together and cut: concatenation and split in value, each the other's derivative, under every transform."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.sim.assembly import assemble, cut


@settings(deadline=None, max_examples=15)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5), lanes=st.integers(1, 3), axis=st.sampled_from([0, 1])
)
def test_values(sizes: list[int], lanes: int, axis: int) -> None:
    """Also of blocks that are no multiple of what the copying loop takes at once, compiled and not."""
    rng = np.random.default_rng(0)
    blocks = [jnp.asarray(rng.normal(size=(n, lanes) if axis == 0 else (lanes, n))) for n in sizes]
    expected = np.concatenate(blocks, axis)
    np.testing.assert_array_equal(assemble(blocks, axis), expected)
    np.testing.assert_array_equal(jax.jit(lambda b: assemble(b, axis))(blocks), expected)
    for a, b in zip(jax.jit(lambda x: cut(x, sizes, axis))(jnp.asarray(expected)), blocks, strict=True):
        np.testing.assert_array_equal(a, b)


def test_derivatives_are_those_of_concatenate_and_split() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=(27, 2)))
    sizes = (3, 20, 4)

    def ours(x: jax.Array) -> jax.Array:
        a, _, c = cut(jnp.sin(x), sizes)
        return jnp.sum(assemble([c * c, a, jnp.cos(c)]) ** 3)

    def theirs(x: jax.Array) -> jax.Array:
        a, _, c = jax.lax.split(jnp.sin(x), sizes)
        return jnp.sum(jnp.concatenate([c * c, a, jnp.cos(c)]) ** 3)

    np.testing.assert_allclose(jax.grad(ours)(x), jax.grad(theirs)(x), rtol=1e-14)
    tangent = jnp.ones_like(x)
    np.testing.assert_allclose(jax.jvp(ours, (x,), (tangent,))[1], jax.jvp(theirs, (x,), (tangent,))[1], rtol=1e-13)
    np.testing.assert_allclose(jax.hessian(ours)(x), jax.hessian(theirs)(x), rtol=1e-12, atol=1e-14)
    many = jnp.stack([x, 2.0 * x])
    np.testing.assert_allclose(jax.vmap(jax.grad(ours))(many), jax.vmap(jax.grad(theirs))(many), rtol=1e-14)
    last = jnp.moveaxis(many, 0, -1)
    np.testing.assert_allclose(jax.vmap(ours, in_axes=2)(last), jax.vmap(theirs, in_axes=2)(last), rtol=1e-14)


@pytest.mark.parametrize("used", [0, 1])
def test_a_block_that_nothing_follows_from(used: int) -> None:
    x = jnp.arange(30.0)[:, None]
    found = jax.grad(lambda x: cut(x, (12, 18))[used].sum())(x)
    np.testing.assert_array_equal(found[:, 0], (np.arange(30) >= 12) == used)
