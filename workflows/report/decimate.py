"""Thin a trace for drawing without losing what the eye would see. Not for computing with."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def min_max(
    time: Float[ndarray, " n"], value: Float[ndarray, " n"], columns: int
) -> tuple[Float[ndarray, " m"], Float[ndarray, " m"]]:
    """At most four samples a column: the first, the smallest, the largest and the last one, in their order.

    A column is an equal share of the samples, about a pixel wide when drawn, so a line through what is left covers
    the same pixels as the whole trace: a spike of one sample keeps its height. A column without a finite sample stays a
    gap. Traces of up to ``4 * columns`` samples come back as they are.
    """
    n = len(value)
    if n <= 4 * columns:
        return time, value
    width = -(-n // columns)
    whole = n // width
    block = value[: whole * width].reshape(whole, width)
    finite = np.isfinite(block)
    low = np.where(finite, block, np.inf).argmin(axis=1)
    high = np.where(finite, block, -np.inf).argmax(axis=1)
    first = np.arange(whole) * width
    rest = np.arange(whole * width, n)
    keep = np.unique(np.concatenate([first, first + low, first + high, first + width - 1, rest]))
    return time[keep], value[keep]
