"""An optimiser for each kind of parameter, and the norm of a tree."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rallax.sim.optimize import TypeOptimizer
from rallax.sim.optimize.utils import l2_norm

PARAMS: Any = [{"radius": jnp.asarray([1.0, 2.0])}, {"HH_gNa": jnp.asarray([0.1])}, {"radius": jnp.asarray([5.0])}]
GRADIENT: Any = [{"radius": jnp.asarray([1.0, -1.0])}, {"HH_gNa": jnp.asarray([2.0])}, {"radius": jnp.asarray([0.5])}]


def test_each_name_has_its_settings() -> None:
    arguments = {"HH_gNa": [0.01, 0.9], "radius": [1.0, 0.0]}
    optimizer = TypeOptimizer(lambda a: optax.sgd(a[0], momentum=a[1]), arguments, PARAMS)
    state = optimizer.init(PARAMS)
    for factor in (1.0, 1.9):  # momentum: the second step is 1 + 0.9 times the first
        updates, state = optimizer.update(GRADIENT, state)
        np.testing.assert_allclose(updates[0]["radius"], [-1.0, 1.0])
        np.testing.assert_allclose(updates[1]["HH_gNa"], [-0.02 * factor], rtol=1e-6)
        np.testing.assert_allclose(updates[2]["radius"], [-0.5])
    np.testing.assert_allclose(optax.apply_updates(PARAMS, updates)[2]["radius"], [4.5])


def test_optimisers_that_read_the_parameters() -> None:
    optimizer = TypeOptimizer(lambda lr: optax.adamw(lr, weight_decay=0.1), {"HH_gNa": 0.01, "radius": 0.1}, PARAMS)
    zero = jax.tree.map(jnp.zeros_like, GRADIENT)
    updates, _ = jax.jit(optimizer.update)(zero, optimizer.init(PARAMS), PARAMS)
    np.testing.assert_allclose(updates[0]["radius"], [-0.01, -0.02], rtol=1e-6)
    np.testing.assert_allclose(updates[1]["HH_gNa"], [-1e-4], rtol=1e-6)


def test_trees_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"lacks 'HH_gNa' \(did you mean 'HH_gna'\?\)"):
        TypeOptimizer(optax.sgd, {"radius": 0.1, "HH_gna": 0.1}, PARAMS)
    with pytest.raises(ValueError, match="one name"):
        TypeOptimizer(optax.sgd, {"a": 0.1, "b": 0.1}, [{"a": jnp.zeros(1), "b": jnp.zeros(1)}])
    optimizer = TypeOptimizer(optax.sgd, {"radius": 0.1, "HH_gNa": 0.1}, PARAMS)
    with pytest.raises(ValueError, match="gradient has the entries"):
        optimizer.update(GRADIENT[:2], optimizer.init(PARAMS))


def test_norm_of_a_tree() -> None:
    assert l2_norm([{"a": jnp.asarray([3.0, 0.0])}, {"b": jnp.asarray([[4.0]])}]) == 5.0
    assert l2_norm([]) == 0.0
    # Squares would overflow and vanish in float32.
    large = jnp.asarray([3e30, 4e30], jnp.float32)
    np.testing.assert_allclose([l2_norm(large), l2_norm(large * 1e-60)], [5e30, 0.0], rtol=1e-6)
    np.testing.assert_allclose(l2_norm(jnp.asarray([3e-30, 4e-30], jnp.float32)), 5e-30, rtol=1e-6)
    assert np.isinf(l2_norm(jnp.asarray([1.0, jnp.inf])))
    assert np.isnan(l2_norm(jnp.asarray([1.0, jnp.nan])))
    x = jnp.asarray([3.0, -4.0])
    np.testing.assert_allclose(jax.grad(l2_norm)(x), [0.6, -0.8], rtol=1e-14)
    np.testing.assert_array_equal(jax.grad(l2_norm)(jnp.zeros(2)), [0.0, 0.0])


@pytest.mark.peers
def test_against_jaxley() -> None:
    peer = pytest.importorskip("jaxley.optimize")
    rates = {"HH_gNa": 0.01, "radius": 1.0}
    found = []
    for cls in (TypeOptimizer, peer.TypeOptimizer):
        optimizer = cls(lambda lr: optax.adam(lr), rates, PARAMS)
        found.append(optimizer.update(GRADIENT, optimizer.init(PARAMS))[0])
    jax.tree.map(np.testing.assert_array_equal, *found)
    from jaxley.optimize.utils import l2_norm as theirs

    np.testing.assert_allclose(l2_norm(GRADIENT), theirs(GRADIENT), rtol=1e-15)
