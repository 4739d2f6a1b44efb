"""Units as recordings write them, and what they are in the simulator's (ms, mV, nA).

Owns the unit names that are understood. The simulator's own conversion constants are in `rallax.sim.units`.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["voltage", "current", "time"]

UNITS: dict[Kind, dict[str, float]] = {
    "voltage": {"mV": 1.0, "V": 1e3, "uV": 1e-3},
    "current": {"nA": 1.0, "pA": 1e-3, "A": 1e9, "mA": 1e6, "uA": 1e3, "fA": 1e-6},
    "time": {"ms": 1.0, "s": 1e3, "us": 1e-3},
}
"""Factor from each unit to mV, nA and ms."""


class UnitError(ValueError):
    """A unit that is not understood or belongs to another kind of quantity; the text lacks the file."""


def kind_of(unit: str) -> Kind | None:
    """What the unit measures, or None for an unknown one."""
    name = _plain(unit)
    return next((kind for kind, units in UNITS.items() if name in units), None)


def to_simulator(unit: str, expected: Kind) -> float:
    """Factor from `unit` to the simulator's unit of the `expected` kind; UnitError names what would be right."""
    name, kind = _plain(unit), kind_of(unit)
    right = ", ".join(UNITS[expected])
    if kind == expected:
        return UNITS[expected][name]
    if kind is not None:
        raise UnitError(f"is in {unit}, a {kind}, where a {expected} is expected ({right})")
    if not name:
        raise UnitError(f"has no unit, where a {expected} is expected ({right})")
    raise UnitError(f"is in {unit!r}, which is no unit of {expected}; one of {right}")


def _plain(unit: str) -> str:
    """The unit with u for both micro signs."""
    return unit.strip().replace("µ", "u").replace("μ", "u")
