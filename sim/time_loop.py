"""The loop over time, differentiable in bounded memory. Knows steps only as a function of a carry.

The reverse pass needs the state at each step. One level saves all of them, and beside them each step's solution of the
tree (SOLUTION); the step's elementwise work is computed again. With more levels only the states at the starts of blocks
are saved, and a block is run again when the reverse pass reaches it: `levels` (n1, n2) saves n1 + n2 states for n1*n2
steps at the cost of one more forward pass, and so on (Griewank & Walther 2000, ACM TOMS 26:19).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .linear import SOLUTION

Body = Callable[[Any, Any], tuple[Any, Any]]
#: Default memory budget of saved states, bytes.
MEMORY_BUDGET = 1 << 30
_MAX_LEVELS = 4
#: Times as many saved states are taken for blocks of equal length.
_MORE_FOR_EQUAL = 1.5


def choose_levels(n_steps: int, bytes_per_step: int, budget: int = MEMORY_BUDGET) -> tuple[int, ...]:
    """Block lengths, outermost first, whose saved states fit the budget; the fewest levels that do.

    Where it costs little more memory, blocks are of equal length: another length is a second program to compile.

    Raises ValueError when even the most levels do not fit.
    """
    for levels in range(1, _MAX_LEVELS + 1):
        inner = max(1, math.ceil(n_steps ** (1 / levels)))
        lengths = (math.ceil(n_steps / inner ** (levels - 1)), *([inner] * (levels - 1)))
        if sum(lengths) * bytes_per_step <= budget or n_steps <= 1:
            equal = _factors(n_steps, levels)
            at_most = min(_MORE_FOR_EQUAL * sum(lengths), budget // max(1, bytes_per_step))
            return equal if sum(equal) <= at_most else lengths
    raise ValueError(
        f"the gradient of {n_steps} steps needs {sum(lengths) * bytes_per_step / 2**20:.0f} MiB for its states, the "
        f"budget is {budget / 2**20:.0f} MiB: run fewer lanes at once or give a larger memory_budget"
    )


@cache
def _factors(n: int, levels: int) -> tuple[int, ...]:
    """Of the products of so many factors that are n, the one with the least sum."""
    if levels == 1 or n <= 1:
        return (n, *([1] * (levels - 1)))
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return min(((d, *_factors(n // d, levels - 1)) for d in {*small, *(n // d for d in small)}), key=sum)


def time_loop(body: Body, carry: Any, xs: Any, levels: Sequence[int]) -> tuple[Any, Any]:
    """`lax.scan(body, carry, xs)` whose reverse pass saves the states of `levels`.

    The number of steps is the leading axis of `xs`, exactly: a last block that is not full runs for its own length.
    """
    return _nested(computed_again(body), carry, xs, tuple(levels[1:]))


def computed_again(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step of which JAX's reverse pass keeps the solutions of its linear systems and computes the rest again."""
    return jax.checkpoint(step, policy=jax.checkpoint_policies.save_only_these_names(SOLUTION), prevent_cse=False)


def _nested(body: Body, carry: Any, xs: Any, inner: tuple[int, ...]) -> tuple[Any, Any]:
    n = jax.tree.leaves(xs)[0].shape[0]
    block = math.prod(inner)
    if not inner or n <= block:
        return lax.scan(body, carry, xs) if not inner else _nested(body, carry, xs, inner[1:])
    full = n // block

    def run_block(carry: Any, xs: Any) -> tuple[Any, Any]:
        return _nested(body, carry, xs, inner[1:])

    head = jax.tree.map(lambda x: x[: full * block].reshape(full, block, *x.shape[1:]), xs)
    carry, ys = lax.scan(jax.checkpoint(run_block, prevent_cse=False), carry, head)
    ys = jax.tree.map(lambda y: y.reshape(full * block, *y.shape[2:]), ys)
    if full * block == n:
        return carry, ys
    carry, tail = _nested(body, carry, jax.tree.map(lambda x: x[full * block :], xs), inner[1:])
    return carry, jax.tree.map(lambda a, b: jnp.concatenate([a, b]), ys, tail)
