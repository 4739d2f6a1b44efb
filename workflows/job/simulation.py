"""[simulation]: time step, integrator, precision and the state at the start of each sweep. Owns the keys only."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from .table import Table, word_or_number

InitialVoltage = Annotated[
    float | str,
    BeforeValidator(word_or_number("baseline", "a number in mV", float)),
    WithJsonSchema({"type": '"baseline" or a number'}),
]


class Simulation(Table):
    """[simulation]: how every sweep is simulated."""

    delta_t_ms: float = Field(0.025, gt=0, le=10, description="Time step in ms.")
    solver: Literal["bwd_euler"] = Field("bwd_euler", description="Integrator: implicit Euler, first order.")
    precision: Literal["float32", "float64"] = Field("float32", description="Floating-point numbers of the simulation.")
    v_init: InitialVoltage = Field(
        "baseline",
        description='Voltage at the start in mV, or "baseline": the mean of each recording before the onset of its '
        "stimulus. All states start at their steady state there.",
    )
    settle_ms: float = Field(
        0.0, ge=0, le=1e6, description="Simulated before each sweep's window and not compared, in ms."
    )
