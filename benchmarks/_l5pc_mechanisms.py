"""Each mechanism of `l5pc_synthetic.py` against jaxley-mech's, one step from equal states over a grid of voltages."""

from __future__ import annotations

from typing import Any

import _l5pc as problem
import jax.numpy as jnp
import numpy as np
from _l5pc_jaxley import FARADAY, GAS_CONSTANT, TEMPERATURE

import rallax.sim as rx


def compare() -> dict[str, tuple[float, float]]:
    """For each mechanism the largest difference of its new states and of its current, relative to the largest value.

    On a grid of v from -150 to 100 mV (off every removable singularity's point by less than the grid's step),
    random gates and calcium from 1e-5 to 1e-2 mM, with the constants set as in the fit.
    """
    import jaxley_mech.channels.l5pc as mech
    from jaxley.channels import Leak

    random = np.random.RandomState(0)
    v = jnp.linspace(-150.0, 100.0, 2003)
    n = v.shape[0]
    shared = {
        "CaCon_i": jnp.asarray(10.0 ** random.uniform(-5, -2, n)),
        "CaCon_e": jnp.full(n, problem.CALCIUM[1]),
        "eCa": jnp.asarray(random.uniform(50.0, 150.0, n)),
        "i_Ca": jnp.asarray(random.uniform(-1e-2, 0.0, n)),
    }
    found = {}
    for name, other in problem.JAXLEY_NAMES.items():
        ours, theirs = getattr(rx, name)(), Leak() if other == "Leak" else getattr(mech, other)()
        states = {key: jnp.asarray(random.uniform(0.05, 0.95, n)) for key in ours.channel_states if key not in shared}
        params = {key: jnp.full(n, float(value)) for key, value in ours.channel_params.items()}
        params |= {key: jnp.full(n, value) for key, value in problem.FIXED.items() if key in params}
        their_states = {key.replace(f"{name}_", f"{other}_"): value for key, value in states.items()} | shared
        their_params = {_their_key(name, other, key): value for key, value in params.items()}
        if name == "CaDynamics_E2":
            their_params["CaPump_depth"] = their_params["CaPump_depth"] * (FARADAY / 96485)
        new = dict(ours.update_states({**states, **shared}, problem.DELTA_T, v, params))
        their_new = theirs.update_states(their_states, problem.DELTA_T, v, their_params)
        pairs = [(value, their_new[key.replace(f"{name}_", f"{other}_")]) for key, value in new.items()]
        if name == "CaDynamics_E2":
            nernst = mech.CaNernstReversal()
            nernst.channel_constants.update(T=TEMPERATURE, R=GAS_CONSTANT, F=FARADAY)
            reversal = ours.update_reversals({**states, **shared}, v, params)["eCa"]
            pairs.append((reversal, nernst.update_states(shared, problem.DELTA_T, v, {})["eCa"]))
            current = 0.0
        else:
            current = _relative(
                ours.compute_current({**states, **shared}, v, params),
                theirs.compute_current(their_states, v, their_params),
            )
        found[name] = (max([_relative(a, b) for a, b in pairs], default=0.0), current)
    return found


def _their_key(name: str, other: str, key: str) -> str:
    if not key.startswith(f"{name}_"):
        return key
    what = key.removeprefix(f"{name}_")
    if name == "Ih" and what == "ehcn":
        return "eH"
    return f"{other}_{what}" if name == "CaDynamics_E2" else f"{other}_{'e' if what == 'e' else 'g'}{other}"


def _relative(a: Any, b: Any) -> float:
    return float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b)))
