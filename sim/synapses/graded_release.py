"""The kinetics of graded release, which `IonotropicSynapse` and `TestSynapse` share.

Source: Abbott & Marder 1998, Modeling small networks, in Methods in Neuronal Modeling (Koch & Segev, eds.), MIT Press.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..mechanisms.gates import EXPONENT_LIMIT, Gate, sigmoid
from ..mechanisms.protocol import Values


def graded_release(pre_voltage: Values, v_th: Values | float, delta: Values | float, k_minus: Values | float) -> Gate:
    """The bound fraction of receptors: s_inf = 1/(1 + exp(-x)) and tau = (1 - s_inf)/k_minus.

    x = (pre_voltage - v_th)/delta; voltages in mV, k_minus in 1/ms. The rate 1/tau is k_minus (1 + exp(x)), which
    neither divides by zero nor overflows, since the exponent is cut (where s has long followed s_inf within a step).
    """
    x = (pre_voltage - v_th) / delta
    return Gate(sigmoid(x), k_minus * (1.0 + jnp.exp(jnp.minimum(x, EXPONENT_LIMIT))), slow=True)
