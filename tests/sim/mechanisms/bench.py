"""What the tests of single mechanisms share: arrays of everything that a mechanism may read."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from rallax.sim.mechanisms import Mechanism

#: Where some rate function is 0/0 or has a kink: the zeros of every linoid, the half-points, the edges of K_Pst.
SINGULAR = (
    -154.9,
    -75.0,
    -66.0,
    -64.4,
    -60.0,
    -55.0,
    -40.0,
    -38.0,
    -35.0,
    -32.0,
    -27.0,
    -17.0,
    -15.0,
    -13.0,
    -53.0,
    -25.0,
)
GRID = np.unique(np.concatenate([SINGULAR, np.arange(-150.0, 101.0, 0.5)]))
FAR = np.array([-300.0, -250.0, -200.0, 150.0, 200.0, 250.0, 300.0])


def arguments(mechanism: Mechanism, v: Any, dtype: Any = jnp.float64) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """(states, v, params) with v's shape: defaults, gates at 0.3, a calcium current, a cylinder of 20 um."""
    voltage = jnp.asarray(v, dtype)

    def full(value: float) -> Any:
        return jnp.full(voltage.shape, value, dtype)

    own = f"{mechanism.name}_"
    states = {key: full(0.3 if key.startswith(own) else x) for key, x in mechanism.channel_states.items()}
    states |= {"i_Ca": full(-1e-3), "i_Na": full(0.0), "i_K": full(0.0)}
    params = {key: full(x) for key, x in mechanism.channel_params.items()}
    params |= {"length": full(20.0), "radius": full(10.0), "diam": full(20.0), "area": full(400 * np.pi)}
    params |= {"volume": full(2000 * np.pi), "capacitance": full(1.0), "axial_resistivity": full(100.0)}
    return states, voltage, params
