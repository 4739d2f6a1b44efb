"""Curves as text: two by four dots in a character (Braille patterns), on a logarithmic axis where all is positive."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

_BLANK = 0x2800
#: Bit of the dot at (row, column) of a character, as Unicode numbers them.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


def curves(series: Float[np.ndarray, "curves points"], width: int = 60, height: int = 8) -> Sequence[str]:
    """Lines of text that show the curves over their index, with the largest and least value at the side.

    Values that are not finite are left out. Nothing to show gives no lines.
    """
    finite = series[np.isfinite(series)]
    if not finite.size or width < 12 or height < 1:
        return []
    positive = bool((finite > 0).all())
    low, high = float(finite.min()), float(finite.max())
    labels = (f"{high:.4g}", f"{low:.4g}")
    margin = max(map(len, labels)) + 1
    columns, rows = 2 * max(1, width - margin), 4 * height
    scale = np.log10 if positive else lambda x: x
    bottom, span = scale(low), scale(high) - scale(low)
    cells = np.zeros((height, columns // 2), int)
    n = series.shape[1]
    for curve in series:
        at = np.flatnonzero(np.isfinite(curve))
        if not at.size:
            continue
        # One value for each column: where points are fewer than columns, the line between them.
        x = np.linspace(0, n - 1, columns)
        inside = (x >= at[0]) & (x <= at[-1])
        y = np.interp(x, at, scale(curve[at]))
        level = np.full(columns, 0.5) if span <= 0 else (y - bottom) / span
        row = np.clip(np.round((1 - level) * (rows - 1)), 0, rows - 1).astype(int)
        for column in np.flatnonzero(inside):
            cells[row[column] // 4, column // 2] |= _BITS[row[column] % 4, column % 2]
    lines = ["".join(chr(_BLANK + cell) for cell in line) for line in cells]
    sides = [""] * height
    sides[-1] = labels[1]
    sides[0] = labels[0]
    return [f"{side:>{margin - 1}} {line}" for side, line in zip(sides, lines, strict=True)]
