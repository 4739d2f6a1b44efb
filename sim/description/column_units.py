"""Units of the columns of the table, for labels."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {
    "length": "µm",
    "radius": "µm",
    "area": "µm²",
    "volume": "µm³",
    "resistive_load_in": "1/µm",
    "resistive_load_out": "1/µm",
    "axial_resistivity": "Ω·cm",
    "capacitance": "µF/cm²",
    "v": "mV",
    "x": "µm",
    "y": "µm",
    "z": "µm",
}
#: Names that mechanisms give by custom, with or without their prefix: gNa, gbar, pas_g; eNa, pas_e; CaCon_i; i_Ca.
_CUSTOMS: Final = (
    # gS of a synapse is in µS or nA, which its kind says and not the name.
    (re.compile(r"(.*_)?g(?!S$)([A-Z]\w*|bar)?"), "S/cm²"),
    (re.compile(r"(.*_)?e([A-Z]\w*)?"), "mV"),
    (re.compile(r"\w+Con_[ie]"), "mM"),
    (re.compile(r"i_\w+"), "mA/cm²"),
)


def unit_of(column: str) -> str:
    """The unit of a column, "" where it is not known."""
    if column in _UNITS:
        return _UNITS[column]
    return next((unit for pattern, unit in _CUSTOMS if pattern.fullmatch(column)), "")
