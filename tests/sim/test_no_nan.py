"""Value and gradient stay finite where a rate function is 0/0, in float32: v starts exactly there.

All voltages run side by side, one lane each; the loss sees every state and the gradient goes to parameters and to v.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.mechanisms.library import LIBRARY, create
from rallax.sim.mechanisms.protocol import Channel, ConcentrationPool

#: mV at which some rate of the mechanism has a removable singularity; every other one must be harmless too.
SINGULAR = {
    "HH": (-40.0, -55.0),
    "NaTa_t": (-38.0, -66.0),
    "NaTs2_t": (-32.0, -60.0),
    "NaTg": (-38.0, -66.0),
    "Nap_Et2": (-38.0, -17.0, -64.4, -66.0),
    "K_Pst": (-60.0, -85.0),
    "Ih": (-154.9,),
    "Ca_HVA": (-27.0,),
    "Ca_HVA2": (-27.0, -39.3),
    "Na": (-47.0, -20.0),
    "K": (-45.0,),
    "CaL": (-27.0,),
}
EVERYWHERE = (-154.9, -100.0, -70.0, -35.0, 0.0, 60.0)


CHANNELS = tuple(name for name in LIBRARY if issubclass(LIBRARY[name], Channel | ConcentrationPool))
#: Side by side in one compartment: all but one of the pools, which own the same calcium, and but the set of Pospischil
#: et al., which takes as long again to compile (test_rates.py has it at the same voltages).
TOGETHER = tuple(name for name in CHANNELS if name not in ("CaDynamics_DC0", "Na", "K", "Km", "CaL", "CaT"))


@pytest.mark.parametrize(
    "names", [TOGETHER, *(pytest.param((n,), marks=pytest.mark.slow) for n in CHANNELS)], ids=lambda n: "+".join(n)[:20]
)
def test_finite(names: tuple[str, ...]) -> None:
    voltages = np.array(sorted({*EVERYWHERE, *(v for n in names for v in SINGULAR.get(n, ()))}), np.float32)
    cell = rx.Cell()
    for name in names:
        cell.insert(create(name))
    if names == ("CaDynamics_E2",) or names == ("CaDynamics_DC0",):
        cell.insert(rx.Ca_HVA())
    conductances = [
        k
        for k in cell.nodes.columns
        if k.endswith(("_gbar", "_gNa", "_gK", "_gKm", "_gCaL", "_gCaT", "_gLeak", "pas_g"))
    ]
    for key in conductances:
        cell.set(key, 1e-3)
    for state in dict.fromkeys(["v", *(s for n in names for s in cell._mechanisms[n].channel_states)]):
        cell.record(state)
    trainable = [*conductances, *(k for k in ("v", "eNa", "eK") if k in cell.nodes)]
    for key in trainable:
        cell.make_trainable(key)

    params: Any = [
        {k: jnp.broadcast_to(x, (len(voltages), *x.shape)) for k, x in e.items()} for e in cell.get_parameters()
    ]
    params[trainable.index("v")] = {"v": jnp.asarray(voltages)[:, None]}
    # 20 steps: what a bad start leaves behind has time to reach everything.
    run = rx.batched(cell, t_max=0.5, dtype=jnp.float32, steady=True)
    losses, gradient = run.value_and_grad(lambda v: jnp.mean((v / (1.0 + jnp.abs(v[:, :1]))) ** 2))(params)
    assert losses.dtype == jnp.float32
    for what, values in [("loss", losses), *((k, x) for e in gradient for k, x in e.items())]:
        bad = ~np.isfinite(np.asarray(values)).reshape(len(voltages), -1).all(axis=1)
        assert not bad.any(), f"{names}: {what} is not finite from {voltages[bad]} mV"
    assert all(np.any(np.asarray(x) != 0) for x in jax.tree.leaves(gradient[trainable.index("v")]))
