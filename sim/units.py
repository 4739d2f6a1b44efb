"""Every conversion constant of the simulator, and the physical constants behind them.

Units everywhere: time ms, voltage mV, point current nA, current density mA/cm^2, conductance density S/cm^2, synaptic
and axial conductance uS, capacitance uF/cm^2, axial resistivity ohm cm, length and radius um, area um^2, volume um^3,
concentration mM, axial diffusion um^2/ms. (S * mV is mA, and uS * mV is nA: neither needs a factor.)

Owns numbers only. All are Python floats, so that they take the precision of the arrays they meet.
"""

from __future__ import annotations

from typing import Final

#: Molar gas constant, J/(mol K) (CODATA 2018; exact in the SI of 2019).
GAS_CONSTANT: Final = 8.31446261815324
#: Faraday constant, C/mol (CODATA 2018; exact in the SI of 2019).
FARADAY: Final = 96485.33212331
#: 0 degrees Celsius in kelvin.
ZERO_CELSIUS: Final = 273.15

#: (mA/cm^2) * um^2 -> nA, and (S/cm^2) * um^2 -> uS.
DENSITY_TIMES_AREA: Final = 1e-2
#: nA / um^2 -> mA/cm^2, and uS / um^2 -> S/cm^2.
POINT_PER_AREA: Final = 1e2
#: (mA/cm^2) / (uF/cm^2) -> mV/ms, and (S/cm^2) / (uF/cm^2) -> 1/ms.
DENSITY_PER_CAPACITANCE: Final = 1e3
#: (uF/cm^2) * um^2 / ms -> uS: the conductance that an area's capacitance adds to the diagonal of a step of 1 ms.
CAPACITANCE_TIMES_AREA: Final = 1e-5
#: 1 / (ohm cm * 1/um) -> uS: an axial conductance from axial resistivity times axial load.
AXIAL_CONDUCTANCE: Final = 1e2
#: (mA/cm^2) / (C/mol * um) -> mM/ms: a concentration's rate from a membrane current that fills a shell of this depth.
INFLUX_TO_SHELL: Final = 1e4
#: V -> mV.
MILLIVOLT_PER_VOLT: Final = 1e3


def thermal_voltage(temperature: float) -> float:
    """R T / F in mV at `temperature` (degrees Celsius)."""
    return MILLIVOLT_PER_VOLT * GAS_CONSTANT * (temperature + ZERO_CELSIUS) / FARADAY
