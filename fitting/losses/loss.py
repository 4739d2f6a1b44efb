"""What a loss is: the protocol that every file of this folder keeps to, and the check of numbers they share."""

from __future__ import annotations

import math
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Float

from .target import Target
from .windows import Window


@runtime_checkable
class Loss(Protocol):
    """A differentiable scalar of one simulated trace against its target.

    ``takes_window`` says whether a term may restrict it to a window.
    """

    takes_window: ClassVar[bool]

    def __call__(self, v: Float[Array, " samples"], target: Target, window: Window | None = None) -> Float[Array, ""]:
        """``v`` in mV at the target's samples."""
        ...

    def check(self, time: Float[np.ndarray, " samples"]) -> None:
        """Raises ValueError where the loss makes no sense at these sample times (an empty window)."""
        ...


def positive(name: str, value: object) -> float:
    """``value`` as a float.

    Raises:
        ValueError: it is not a finite number above 0.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0.0:
        raise ValueError(f"{name} = {value!r} must be a finite number above 0")
    return float(value)
