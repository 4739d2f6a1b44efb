"""The cell of `l5pc_synthetic.py` in Jaxley with jaxley-mech's channels, on rallax's table of compartments.

Read, cut and fitted as Jaxley's example does it (`read_swc`, one `set_ncomp` a branch, `data_set` of 20 values, a
sigmoid to the bounds, two levels of checkpoints); then the table's geometry and start replace Jaxley's, and what
CONSTANTS lists is set equal. Must not import rallax.sim, which sets an option of XLA for its process.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import _l5pc as problem
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

FARADAY, GAS_CONSTANT, TEMPERATURE = 96485.33212331, 8.31446261815324, 307.15

#: What differs between the two, and how it is made equal.
CONSTANTS = (
    "temperature of calcium's Nernst potential: 279.45 K by default in jaxley-mech, 34 deg C here -> 307.15 K",
    "R and F of the Nernst potential: 8.314 and 96485.3329 in jaxley-mech, CODATA 2018 here -> CODATA 2018",
    "F of the calcium pool: 96485 in jaxley-mech, CODATA 2018 here -> its shell's depth times their ratio",
    "eK: -77 mV by default in jaxley-mech, -85 here -> -85 (as the example sets it)",
    "calcium at the start: here one step of decay before 5e-5 mM -> 5e-5 mM in both",
    "order in a step: Jaxley goes by insertion, here pool, gates, eCa -> pool inserted first, eCa last",
    "i_Ca before the first step: Jaxley takes it at the start's eCa (0 mV), here it is 0 -> Jaxley's eCa starts at v",
    "cuts: Jaxley drops the ring between two points at one place, 0.3 % of the area -> one table",
    "the soma's ends are exchanged in Jaxley's reader -> loads of its two halves exchanged in the table",
    "slope of a current in v: differences of 1e-3 mV in Jaxley, derivatives here -> left (currents are linear in v)",
    "exponents: cut at 20 in jaxley-mech -> left (moves nothing by more than 3e-10, see below)",
)


def build(path: Path, table: dict[str, np.ndarray]) -> Any:
    """The cell with its target's parameters, ready to run."""
    import jaxley as jx
    import jaxley_mech.channels.l5pc as mech
    from jaxley.channels import Leak

    warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
    cell = jx.read_swc(str(path), ncomp=1)
    for branch, ncomp in zip(cell.branches, table["branch_ncomp"], strict=True):
        branch.set_ncomp(int(ncomp), initialize=False)
    cell.initialize()
    if (np.asarray(cell.comb_parents) != table["branch_parent"]).any():
        raise ValueError(f"{path}: Jaxley and rallax order its branches differently; there is no common table")
    _take_geometry(cell, table)

    regions: dict[str, list[str]] = {}
    for region, mechanisms in problem.REGIONS.items():
        for name in mechanisms:
            regions.setdefault(name, []).append(region)
    order = sorted(regions, key=lambda name: name != "CaDynamics_E2")
    for name in order:
        for region in regions[name]:
            getattr(cell, region).insert(getattr(mech, problem.JAXLEY_NAMES[name])())
    nernst = mech.CaNernstReversal()
    nernst.channel_constants.update(T=TEMPERATURE, R=GAS_CONSTANT, F=FARADAY)
    for region in ("soma", "axon"):
        getattr(cell, region).insert(nernst)
    cell.insert(Leak())

    _take_start(cell, table)
    cell.set("Leak_gLeak", problem.FIXED["pas_g"])
    cell.set("Leak_eLeak", problem.FIXED["pas_e"])
    for key in ("eNa", "eK"):
        cell.set(key, problem.FIXED[key])
    for region in ("soma", "axon"):
        getattr(cell, region).set("CaPump_depth", 0.1 * FARADAY / 96485)
    for free in problem.FREE:
        getattr(cell, free.region).set(free.jaxley_key, free.truth)
    soma = cell.soma.branch(0).loc(0.5)
    soma.stimulate(jnp.asarray(table["stimulus"][0]), verbose=False)
    soma.record(verbose=False)
    return cell


def _take_geometry(cell: Any, table: dict[str, np.ndarray]) -> None:
    soma_first = table["branch_parent_loc"][table["branch_parent"] == 0]
    if table["branch_ncomp"][0] != 1 or soma_first.any():
        raise ValueError("the table's soma is expected to be one compartment with every neurite at its 0-end")
    cell.set("axial_resistivity", problem.AXIAL_RESISTIVITY)
    for key in ("length", "radius", "area", "volume", "capacitance", "resistive_load_in", "resistive_load_out"):
        values = table[key].copy()
        if key.startswith("resistive_load"):
            other = "resistive_load_out" if key.endswith("in") else "resistive_load_in"
            values[0] = table[other][0]
        cell.nodes[key] = values


def _take_start(cell: Any, table: dict[str, np.ndarray]) -> None:
    """Initial states, and the densities of Ih."""
    for key, values in table.items():
        mechanism, _, what = key.rpartition("_")
        if key in ("CaCon_i", "CaCon_e"):
            theirs = key
        elif mechanism in problem.JAXLEY_NAMES and what in ("m", "h", "z"):
            theirs = f"{problem.JAXLEY_NAMES[mechanism]}_{what}"
        elif key == "Ih_gbar":
            theirs = "H_gH"
        else:
            continue
        cell.nodes[theirs] = values
    cell.set("v", problem.V_INIT)
    cell.nodes.loc[cell.nodes["CaCon_i"].notna(), "eCa"] = problem.V_INIT


def compete(path: Path, n_starts: int, steps: int, table: dict[str, np.ndarray], target: np.ndarray) -> dict[str, Any]:
    """Traces at the starts and the descent of each start, one after another."""
    import jaxley as jx

    begin = problem.clocks()
    cell = build(path, table)
    build_seconds = problem.clocks() - begin
    views = {region: getattr(cell, region) for region in problem.REGIONS}
    side = math.ceil(math.sqrt(table["stimulus"].shape[1]))

    def objective(u: jax.Array) -> tuple[jax.Array, jax.Array]:
        theta = problem.SPACE.to_theta(u)
        state = None
        for free, value in zip(problem.FREE, theta, strict=True):
            state = views[free.region].data_set(free.jaxley_key, value, state)
        v = jx.integrate(cell, param_state=state, delta_t=problem.DELTA_T, checkpoint_lengths=[side, side])[0]
        return problem.loss(v, jnp.asarray(target)), v

    compiled = jax.jit(jax.value_and_grad(objective, has_aux=True))
    traces = []

    def value_and_grad(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (value, v), gradient = compiled(jnp.asarray(u[0]))
        gradient = np.asarray(gradient)
        traces.append(np.asarray(v))
        return np.asarray(value)[None], gradient[None]

    found, first_traces = [], []
    for u in problem.SPACE.to_u(problem.starts(n_starts)):
        traces.clear()
        found.append(problem.descend(value_and_grad, u[None], steps))
        first_traces.append(traces[0])
    seconds = np.concatenate([descent.seconds for descent in found])
    return {
        "traces": np.stack(first_traces),
        "losses": np.concatenate([descent.losses for descent in found], axis=1),
        "first_gradient": np.concatenate([descent.first_gradient for descent in found]),
        "build_seconds": build_seconds,
        "first_seconds": seconds[0],
        "step_seconds": seconds[1:],
    }
