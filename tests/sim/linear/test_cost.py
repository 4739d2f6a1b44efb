"""What the tree solver costs, by number of compartments: left to `make verify`, since it takes time to measure time."""

from __future__ import annotations

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rallax.sim.linear import Structure, TreeSolver, solve

from .systems import random_system

NODES, LANES = 20_000, 8


@pytest.mark.slow
def test_cost_is_linear() -> None:
    """Time per node, and the ratio of gradient to value, from 10 to 10,000 nodes: constant within a factor of 4."""
    rng = np.random.default_rng(5)
    value_times, ratios = [], []
    for n in (10, 100, 1000, 10_000):
        system = random_system([(1, n)], rng, reach=20, lanes=(1, 1, 1, LANES))
        # The root's coupling is nan there, to show that it is not read; a gradient would be nan as well.
        coupling = jnp.nan_to_num(jnp.asarray(system.coupling))
        operands = (jnp.asarray(system.diagonal), coupling, jnp.asarray(system.rhs))

        def total(
            d: jax.Array, c: jax.Array, b: jax.Array, structure: Structure = system.structure, repeats: int = NODES // n
        ) -> jax.Array:
            """Sum of the last of many solves in a row, so that starting one computation does not count."""

            def body(x: jax.Array, _: None) -> tuple[jax.Array, None]:
                return solve(TreeSolver(), structure, d, c, None, b + 0.1 * x), None

            return jax.lax.scan(body, b, None, repeats)[0].sum()

        value = fastest(jax.jit(total), *operands)
        gradient = fastest(jax.jit(jax.grad(total, argnums=(0, 1, 2))), *operands)
        value_times.append(value / NODES)
        ratios.append(gradient / value)
    print(f"tree solve: {1e9 * np.array(value_times)} ns a node with 8 lanes, gradient {np.array(ratios)} times that")
    assert max(value_times) < 4 * min(value_times)
    assert max(ratios) < 4 * min(ratios)


def fastest(function: Callable[..., jax.Array], *operands: jax.Array) -> float:
    """Seconds of the fastest of seven calls, compilation aside."""
    times = []
    for _ in range(8):
        start = time.perf_counter()
        jax.block_until_ready(function(*operands))
        times.append(time.perf_counter() - start)
    return min(times[1:])
