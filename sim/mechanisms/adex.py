"""`AdEx`: the adaptive exponential integrate-and-fire neuron.

Source: Brette & Gerstner 2005, J. Neurophysiol. 94:3637. Names and defaults are those of Jaxley's users, and so is the
step: w exactly at the v of the step's start, then v by forward Euler with the new w, then the reset. Deviation: the
exponent is cut at 20, so that nothing overflows where v would cross the threshold within a step anyway.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gates import relax, save_exp
from .point_neuron import PointNeuron
from .protocol import TimeStep, Values


class AdEx(PointNeuron):
    """C v' = -g_L (v - E_L) + g_L delta_T exp((v - v_T)/delta_T) - w, tau_w w' = a (v - E_L) - w.

    At v >= v_threshold: v = v_reset, w = w + b. C is the compartment's `capacitance`, which sets the scale: with C in
    uF/cm^2, g_L and a are in mS/cm^2, b and w in uA/cm^2. (With the paper's numbers as they are, C in pF, g_L and a in
    nS, b and w in pA, v follows the same course.) Voltages in mV, tau_w in ms. The state `spikes` is 1 in a step that
    ends with a reset, else 0.

    Args:
        surrogate_warning: Jaxley's switch of a warning about gradients, taken so that scripts run; this class gives
            none, see `PointNeuron` for what its gradient is.
    """

    def __init__(self, name: str | None = None, surrogate_warning: bool = True) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {
            f"{prefix}_g_L": 10.0,
            f"{prefix}_E_L": -70.0,
            f"{prefix}_v_T": -50.0,
            f"{prefix}_delta_T": 2.0,
            f"{prefix}_v_threshold": 0.0,
            f"{prefix}_v_reset": -58.0,
            f"{prefix}_tau_w": 30.0,
            f"{prefix}_a": 2.0,
            f"{prefix}_b": 0.0,
        }
        self.channel_states = {f"{prefix}_w": 0.0, f"{prefix}_spikes": 0.0}

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> dict[str, Values]:
        """w, spikes and "v" at t + dt, after the reset where v has reached the threshold."""
        prefix = self._name
        delta = params[f"{prefix}_delta_T"]
        driving = v - params[f"{prefix}_E_L"]
        rest = params[f"{prefix}_a"] * driving
        w = relax(states[f"{prefix}_w"], dt, rest, 1.0 / params[f"{prefix}_tau_w"], slow=True)
        upstroke = delta * save_exp((v - params[f"{prefix}_v_T"]) / delta)
        v = v + dt * (params[f"{prefix}_g_L"] * (upstroke - driving) - w) / params["capacitance"]
        spiked = v >= params[f"{prefix}_v_threshold"]
        return {
            f"{prefix}_w": jnp.where(spiked, w + params[f"{prefix}_b"], w),
            f"{prefix}_spikes": spiked.astype(v.dtype),
            "v": jnp.where(spiked, params[f"{prefix}_v_reset"], v),
        }

    def init_state(self, states: Named, v: Values, params: Named, delta_t: TimeStep) -> dict[str, Values]:
        """w = a (v - E_L), its rest at `v`."""
        prefix = self._name
        return {f"{prefix}_w": params[f"{prefix}_a"] * (v - params[f"{prefix}_E_L"])}
