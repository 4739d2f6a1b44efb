"""Arrays over all compartments, cut into the blocks of compartments that have the same mechanisms.

Each array is cut once and put together once, whatever the number of mechanisms: the derivative of a cut is one
concatenation, that of a concatenation one cut. A slice for each mechanism would become, in the reverse pass, a padded
array for each, added up over all compartments.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from .assembly import assemble, cut
from .lowered import Rows
from .types import CompLanes, RowLanes


class Cut:
    """An array [comp, #lane] and its blocks."""

    def __init__(self, x: CompLanes, blocks: Sequence[int]) -> None:
        self.whole = x
        self._blocks = tuple(blocks)
        self._parts: list[jax.Array] = []

    @property
    def parts(self) -> list[jax.Array]:
        """One array a block."""
        if not self._parts:
            self._parts = cut(self.whole, self._blocks)
        return self._parts

    def take(self, rows: Rows) -> RowLanes:
        """The rows of the array."""
        if rows.index is not None:
            return self.whole[rows.index]
        if rows.last - rows.first == len(self._blocks):
            return self.whole
        return joined(self.parts[rows.first : rows.last])

    def put(self, rows: Rows, values: RowLanes) -> CompLanes:
        """The array with these rows replaced."""
        n_lanes = self.whole.shape[1]
        if rows.index is not None:
            return self.whole.at[rows.index].set(jnp.broadcast_to(values, (rows.index.shape[0], n_lanes)))
        sizes = self._blocks[rows.first : rows.last]
        values = jnp.broadcast_to(values, (sum(sizes), n_lanes))
        return assemble([*self.parts[: rows.first], values, *self.parts[rows.last :]])


class Sum:
    """A sum over mechanisms of arrays on their rows, as one array over all compartments."""

    def __init__(self, like: CompLanes, blocks: Sequence[int]) -> None:
        self._like, self._blocks = like, tuple(blocks)
        self._whole: list[jax.Array] = []
        self._parts: list[list[jax.Array]] = [[] for _ in blocks]

    def add(self, rows: Rows, values: RowLanes) -> None:
        """Add values on these rows."""
        if rows.index is not None:
            self._whole.append(jnp.zeros_like(self._like).at[rows.index].set(values))
        elif rows.last - rows.first == len(self._blocks):
            self._whole.append(values)
        else:
            sizes = self._blocks[rows.first : rows.last]
            pieces = cut(values, sizes)
            for block, piece in enumerate(pieces, start=rows.first):
                self._parts[block].append(piece)

    def total(self) -> CompLanes:
        """The sum; zero where nothing was added."""
        total = self._whole[0] if self._whole else jnp.zeros_like(self._like)
        for values in self._whole[1:]:
            total = total + values
        if not any(self._parts):
            return total
        lanes = self._like.shape[1]
        zero = jnp.zeros((1, 1), self._like.dtype)
        blocks = []
        for size, pieces in zip(self._blocks, self._parts, strict=True):
            block = pieces[0] if pieces else zero
            for piece in pieces[1:]:
                block = block + piece
            blocks.append(jnp.broadcast_to(block, (size, lanes)))
        return total + assemble(blocks)


def joined(parts: Sequence[jax.Array]) -> jax.Array:
    """Blocks one after another."""
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)
