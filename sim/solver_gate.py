"""Where scripts written for Jaxley find the gate helpers; they live in mechanisms/gates.py."""

from .mechanisms.gates import (
    exponential_euler,
    save_exp,
    solve_gate_exponential,
    solve_gate_implicit,
    solve_inf_gate_exponential,
)

__all__ = [
    "exponential_euler",
    "save_exp",
    "solve_gate_exponential",
    "solve_gate_implicit",
    "solve_inf_gate_exponential",
]
