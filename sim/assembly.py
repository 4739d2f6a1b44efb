"""Blocks of rows put together into one array, and the cut of an array into blocks: each the derivative of the other.

On the CPU XLA would fuse the arithmetic of all blocks into one loop over the whole array, which asks for each element
what block it is in, and so uses no vectors: the reverse pass of the layer-5 mechanisms spent three quarters of its time
there. Here each block is computed by itself and then copied to its place by a loop, which XLA does not fuse through.
Other backends concatenate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from .xla import FULL_VECTOR

#: Rows that a turn of the copying loop takes: of lanes that fill vectors, and of fewer.
_ROWS, _NARROW_ROWS = 8, 64

_assemble_p = Primitive("assemble")
_cut_p = Primitive("cut_rows")
_cut_p.multiple_results = True


def assemble(blocks: Sequence[jax.Array], axis: int = 0) -> jax.Array:
    """The blocks one after another along `axis`; `jnp.concatenate` in value."""
    return blocks[0] if len(blocks) == 1 else _assemble_p.bind(*blocks, axis=axis)


def cut(x: jax.Array, sizes: Sequence[int], axis: int = 0) -> list[jax.Array]:
    """Blocks of these sizes; `lax.split` in value, but its derivative is put together by `assemble`."""
    return [x] if len(sizes) == 1 else _cut_p.bind(x, sizes=tuple(sizes), axis=axis)


def _assembled(*blocks: jax.Array, axis: int) -> jax.Array:
    return lax.concatenate(blocks, axis)


def _assembled_by_loops(*blocks: jax.Array, axis: int) -> jax.Array:
    shape = list(blocks[0].shape)
    shape[axis] = sum(block.shape[axis] for block in blocks)
    whole, start = jnp.zeros(shape, blocks[0].dtype), 0
    for block in blocks:
        whole, start = _copied(whole, block, start, axis), start + block.shape[axis]
    return whole


def _copied(whole: jax.Array, block: jax.Array, start: int, axis: int) -> jax.Array:
    n = block.shape[axis]
    rows = _NARROW_ROWS if block.shape[-1] < FULL_VECTOR and n >= 2 * _NARROW_ROWS else _ROWS
    if n < 2 * rows:
        return lax.dynamic_update_slice_in_dim(whole, block, start, axis)

    def copy(k: jax.Array, whole: jax.Array) -> jax.Array:
        row = jnp.minimum(k * rows, n - rows)
        return lax.dynamic_update_slice_in_dim(
            whole, lax.dynamic_slice_in_dim(block, row, rows, axis), start + row, axis
        )

    return lax.fori_loop(0, -(-n // rows), copy, whole)


def _pieces(x: jax.Array, *, sizes: tuple[int, ...], axis: int) -> list[jax.Array]:
    return list(lax.split(x, sizes, axis))


def _assemble_shape(*blocks: Any, axis: int) -> Any:
    shape = list(blocks[0].shape)
    shape[axis] = sum(block.shape[axis] for block in blocks)
    return blocks[0].update(shape=tuple(shape))


def _cut_shape(x: Any, *, sizes: tuple[int, ...], axis: int) -> list[Any]:
    return [x.update(shape=(*x.shape[:axis], size, *x.shape[axis + 1 :])) for size in sizes]


def _transposed_assemble(cotangent: Any, *blocks: Any, axis: int) -> list[Any]:
    return cut(cotangent, [block.aval.shape[axis] for block in blocks], axis)


def _transposed_cut(cotangents: Any, x: Any, *, sizes: tuple[int, ...], axis: int) -> list[Any]:
    return [assemble([ad.instantiate_zeros(c) for c in cotangents], axis)]


def _batched_assemble(blocks: Sequence[jax.Array], dims: Sequence[Any], *, axis: int) -> tuple[jax.Array, int]:
    size = next(b.shape[d] for b, d in zip(blocks, dims, strict=True) if d is not None)
    moved = [batching.bdim_at_front(b, d, size) for b, d in zip(blocks, dims, strict=True)]
    return assemble(moved, axis + 1), 0


def _batched_cut(
    arguments: Sequence[jax.Array], dims: Sequence[int], *, sizes: tuple[int, ...], axis: int
) -> tuple[list[jax.Array], list[int]]:
    return cut(jnp.moveaxis(arguments[0], dims[0], 0), sizes, axis + 1), [0] * len(sizes)


# One jitted function each: jit knows its compiled programs by the function, and a new `partial` would be a new one.
_assemble_p.def_impl(jax.jit(_assembled, static_argnames="axis"))
_cut_p.def_impl(jax.jit(_pieces, static_argnames=("sizes", "axis")))
_assemble_p.def_abstract_eval(_assemble_shape)
_cut_p.def_abstract_eval(_cut_shape)
mlir.register_lowering(_assemble_p, mlir.lower_fun(_assembled, multiple_results=False))
mlir.register_lowering(_assemble_p, mlir.lower_fun(_assembled_by_loops, multiple_results=False), platform="cpu")
mlir.register_lowering(_cut_p, mlir.lower_fun(_pieces, multiple_results=True))
ad.deflinear2(_assemble_p, _transposed_assemble)
ad.deflinear2(_cut_p, _transposed_cut)
batching.primitive_batchers[_assemble_p] = _batched_assemble
batching.primitive_batchers[_cut_p] = _batched_cut
