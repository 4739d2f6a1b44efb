"""[simulation]: time step, integrator, precision and the state at the start of each sweep. Owns the keys only."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from .table import Table, word_or_number

Solver = Literal["bwd_euler", "crank_nicolson", "fwd_euler", "exp_euler", "trbdf2", "extrapolated"]
#: The integrators that a job may name (those of `rallax.sim.solvers`, which is not loaded for reading a job).
SOLVERS: tuple[str, ...] = get_args(Solver)

InitialVoltage = Annotated[
    float | str,
    BeforeValidator(word_or_number("baseline", "a number in mV", float)),
    WithJsonSchema({"type": '"baseline" or a number'}),
]

Lanes = Annotated[
    int | str,
    BeforeValidator(word_or_number(("auto", "measure"), "a whole number from 1 to 4096", int, minimum=1, maximum=4096)),
    WithJsonSchema({"type": '"auto", "measure" or a whole number'}),
]


class Simulation(Table):
    """[simulation]: how every sweep is simulated."""

    delta_t_ms: float = Field(0.025, gt=0, le=10, description="Time step in ms.")
    solver: Solver = Field(
        "bwd_euler",
        description="Integrator. First order: bwd_euler, stable at any step; exp_euler, exact along the cable; "
        "fwd_euler, for small steps only. Second: crank_nicolson; trbdf2, which also runs quietly at long steps. "
        "Fourth: extrapolated (third where "
        "currents change a concentration that changes them). The last two do not take point neurons.",
    )
    precision: Literal["float32", "float64"] = Field("float32", description="Floating-point numbers of the simulation.")
    v_init: InitialVoltage = Field(
        "baseline",
        description='Voltage at the start in mV, or "baseline": the mean of each recording before the onset of its '
        "stimulus. All states start at their steady state there.",
    )
    settle_ms: float = Field(
        0.0, ge=0, le=1e6, description="Simulated before each sweep's window and not compared, in ms."
    )
    lanes: Lanes = Field(
        "auto",
        description="Simulations (starts × sweeps) side by side in one item of work; fixed when the run is made, since "
        'the last bits depend on it. "auto": by a rule, 16 where starts and sweeps suffice, more where there are more '
        "sweeps, up to 64 as long as the states of so many fit a processor's cache; "
        '"measure": the fastest of some on this machine, timed when the run is made, for workers without GPU.',
    )
