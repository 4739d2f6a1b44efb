"""The Nernst potential.

Source: Nernst 1888, Z. phys. Chem. 2:613; constants in units.py.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..units import thermal_voltage
from .protocol import Values


def nernst_potential(inside: Values, outside: Values, valence: int, temperature: float) -> Values:
    """R T / (z F) ln(outside / inside) in mV; concentrations positive and in one unit, temperature in degrees C."""
    return (thermal_voltage(temperature) / valence) * jnp.log(outside / inside)
