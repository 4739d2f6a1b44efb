"""Where workers write the traces that they compute: what fitting asks of a writer, and how a worker comes by one.

Owns the protocol only; `rallax.workflows` hands a writer by the name of its entry, as it does a problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float

from .problem import Recipe, call_entry

Receipt: TypeAlias = Mapping[str, Any]
"""What a writer says of what it has written, by the sweep's name: small, plain data."""


@runtime_checkable
class TraceSink(Protocol):
    """A place that a worker may see or not."""

    def visible(self) -> bool:
        """Whether this process sees the run's place; if not, traces go back to the coordinator."""
        ...

    def write(
        self, block: int, group: int, sweeps: tuple[int, ...], traces: Float[np.ndarray, "lanes sweeps sites samples"]
    ) -> Receipt:
        """Write the traces of a whole block of starts, durably. Twice the same leaves the same."""
        ...


def build_sink(recipe: Recipe) -> TraceSink | None:
    """The writer of a recipe; None where this process does not see its place.

    Raises:
        ValueError: the entry is not found, or gives no writer.
    """
    sink = call_entry(recipe)
    if not isinstance(sink, TraceSink):
        raise ValueError(f'entry "{recipe.entry}" gave a {type(sink).__name__}, which lacks visible or write')
    return sink if sink.visible() else None
