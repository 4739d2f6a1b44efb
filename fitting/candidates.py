"""The forward-only search before the fit: which draws become starts."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def choose(losses: Float[np.ndarray, " candidates"], n: int) -> Int[np.ndarray, " starts"]:
    """The n candidates of the least finite loss, best first; of equals the one drawn first.

    Fewer than n where fewer are finite.
    """
    finite = np.flatnonzero(np.isfinite(losses))
    order = np.argsort(losses[finite], kind="stable")
    return finite[order][:n]
