"""Operations on the rows of one array that are linear in it: derivative, transpose and batches, the same for all.

An operation is called with x [row, lane] and integer arrays that say which rows are meant; its transpose is another
such operation, or itself. Knows no operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Function = Callable[..., jax.Array]
#: (cotangent, aval of x, integer arrays, constants) -> cotangent of x.
Transpose = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]


def define(
    primitive: Primitive,
    *,
    n_rows: Callable[..., int],
    transpose: Transpose,
    on_cpu: Function,
    elsewhere: Function | None = None,
    constants: Sequence[str],
) -> None:
    """Give a primitive its meaning.

    Args:
        n_rows: rows of the result, of the integer arrays (their abstract values) and the constants.
        on_cpu, elsewhere: what it is by XLA's operations; by default one for all backends.
        constants: names of its static arguments.
    """
    compiled = jax.jit(on_cpu, static_argnames=tuple(constants))
    primitive.def_impl(lambda *arguments, **constants: compiled(*arguments, **constants))
    primitive.def_abstract_eval(
        lambda x, *operands, **constants: x.update(shape=(n_rows(*operands, **constants), *x.shape[1:]))
    )
    mlir.register_lowering(primitive, mlir.lower_fun(elsewhere or on_cpu, multiple_results=False))
    mlir.register_lowering(primitive, mlir.lower_fun(on_cpu, multiple_results=False), platform="cpu")

    def jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...], **constants: Any) -> tuple[Any, Any]:
        (x, *operands), t = primals, tangents[0]
        y = primitive.bind(x, *operands, **constants)
        if isinstance(t, ad.Zero):
            return y, ad.Zero(jax.typeof(y).to_tangent_aval())
        return y, primitive.bind(t, *operands, **constants)

    def transposed(cotangent: Any, x: Any, *operands: Any, **constants: Any) -> list[Any]:
        nothing = [None] * len(operands)
        if isinstance(cotangent, ad.Zero):
            return [ad.Zero(x.aval), *nothing]
        return [transpose(cotangent, x.aval, operands, constants), *nothing]

    def batched(arguments: Sequence[Any], dims: Sequence[Any], **constants: Any) -> tuple[Any, int]:
        """A batch is more lanes."""
        x, *operands = arguments
        if any(d is not None for d in dims[1:]):
            raise ValueError("the rows of a batch are the same: vmap over values, not over what they belong to")
        lanes = jnp.moveaxis(x, dims[0], -1)
        moved = primitive.bind(lanes.reshape(lanes.shape[0], -1), *operands, **constants)
        return moved.reshape(-1, *lanes.shape[1:]), lanes.ndim - 1

    ad.primitive_jvps[primitive] = jvp
    ad.primitive_transposes[primitive] = transposed
    batching.primitive_batchers[primitive] = batched
