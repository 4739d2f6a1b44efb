"""Rate functions and one step of a first-order gate.

Owns the numerics: no overflow, and a finite value and gradient everywhere, in float32 as well. Knows no mechanism.

A gate obeys x' = alpha (1 - x) - beta x = (x_inf - x) / tau with x_inf = alpha / (alpha + beta) and
tau = 1 / (alpha + beta).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .protocol import TimeStep, Values

#: Where |x/k| is smaller, `linoid` is its series: 1 - exp(-x/k) would lose more digits than the series leaves out.
_SERIES_BELOW = 0.25
#: Exponents of `linoid` are cut here: the square of its exponential, which the gradient needs, stays finite in float32.
EXPONENT_LIMIT = 40.0


class Gate(NamedTuple):
    """What moves a first-order gate: its steady state and its rate 1/tau in 1/ms.

    `slow`: tau is thousands of time steps, see `relax`.
    """

    inf: Values
    rate: Values | float
    slow: bool = False


def save_exp(x: Values, max_value: float = 20.0) -> Values:
    """exp(min(x, max_value))."""
    return jnp.exp(jnp.minimum(x, max_value))


def exponential_euler(x: Values, dt: TimeStep, x_inf: Values, x_tau: Values) -> Values:
    """x at t + dt under x' = (x_inf - x) / x_tau; exact for constant x_inf and x_tau (ms)."""
    return relax(x, dt, x_inf, 1.0 / x_tau)


def solve_gate_exponential(x: Values, dt: TimeStep, alpha: Values, beta: Values) -> Values:
    """A gate at t + dt from its opening and closing rates (1/ms), exact for constant rates."""
    total = alpha + beta
    return relax(x, dt, alpha / total, total)


def solve_inf_gate_exponential(x: Values, dt: TimeStep, s_inf: Values, tau_s: Values) -> Values:
    """A gate at t + dt from its steady state and time constant (ms), exact for constant ones."""
    return relax(x, dt, s_inf, 1.0 / tau_s)


def solve_gate_implicit(gating_state: Values, dt: TimeStep, alpha: Values, beta: Values) -> Values:
    """A gate at t + dt from its opening and closing rates (1/ms) by backward Euler."""
    return (gating_state + dt * alpha) / (1.0 + dt * (alpha + beta))


def relax(x: Values, dt: TimeStep, x_inf: Values, rate: Values | float, slow: bool = False) -> Values:
    """x at t + dt under x' = rate (x_inf - x), rate = 1/tau in 1/ms: one exponential, no division.

    exp(-dt rate) next to 1 keeps few digits of the rate in float32 (at dt rate = 1e-5, steps of 0.6 %). `slow` takes
    the dearer expm1, which keeps all of them, in the value and in the gradient.
    """
    if slow:
        return x - (x_inf - x) * jnp.expm1(-dt * rate)
    return x_inf + (x - x_inf) * jnp.exp(-dt * rate)


def sigmoid(x: Values) -> Values:
    """1 / (1 + exp(-x)); neither the value nor the gradient overflows."""
    return jax.lax.logistic(x)


def linoid(x: Values, k: Values | float, exponential: Values | None = None) -> Values:
    """L(x, k) = x / (1 - exp(-x/k)), continued through x = 0 (value k, slope 1/2).

    Pass `exponential` = exp(-x/k), below exp(40), where another rate has it already.

    Near 0 it is k (t/2 + t/2 coth(t/2)), t = x/k, by the even series of t/2 coth(t/2) (Abramowitz & Stegun 4.5.67); the
    first term left out is below 2e-14. Both branches of the selection are finite, and so is the gradient.
    """
    t = x * (1.0 / k)
    near = jnp.abs(t) < _SERIES_BELOW
    if exponential is None:
        exponential = _linoid_exponential(t)
    return jnp.where(near, k * (_even_part(t, near) + 0.5 * t), x / jnp.where(near, 1.0, 1.0 - exponential))


def linoid_gate(
    x: Values, k: Values | float, opening: float, closing: float, exponential: Values | None = None
) -> Gate:
    """The gate with alpha = opening L(x, k) and beta = closing L(-x, k).

    One exponential serves both, since L(-x, k) = L(x, k) exp(-x/k) = L(x, k) - x. It also gives the steady
    state without L: alpha / (alpha + beta) = opening / (opening + closing exp(-x/k)).
    """
    t = x * (1.0 / k)
    near = jnp.abs(t) < _SERIES_BELOW
    if exponential is None:
        exponential = _linoid_exponential(t)
    weight = opening + closing * exponential
    series = k * ((opening + closing) * _even_part(t, near) + (0.5 * (opening - closing)) * t)
    return Gate(opening / weight, jnp.where(near, series, x * weight / jnp.where(near, 1.0, 1.0 - exponential)))


def _linoid_exponential(t: Values) -> Values:
    return jnp.exp(-jnp.clip(t, -EXPONENT_LIMIT, EXPONENT_LIMIT))


def _even_part(t: Values, near: Array) -> Values:
    """t/2 coth(t/2) where `near`, 1 elsewhere."""
    square = jnp.where(near, t * t, 0.0)
    return 1.0 + square * (1 / 12 + square * (-1 / 720 + square * (1 / 30240 - square * (1 / 1209600))))
