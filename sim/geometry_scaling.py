"""How a compartment's derived geometry follows its length and radius. Owned by both worlds, so that they agree."""

from __future__ import annotations

from typing import Final

#: Powers of (length, radius): exact for cylinders; a reconstructed compartment keeps its shape and scales.
GEOMETRY_EXPONENTS: Final = {
    "area": (1, 1),
    "volume": (1, 2),
    "resistive_load_in": (1, -2),
    "resistive_load_out": (1, -2),
}
