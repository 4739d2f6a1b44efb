"""The cell of `l5pc_synthetic.py` in rallax, and the table of compartments that both simulators run on.

The number of compartments of a branch follows the example of `_l5pc.py`: d_lambda 0.1 at 100 Hz with the length
constant of a cylinder of the branch's mean diameter, 1,786 in all (NEURON's rule, which follows the taper, gives
1,798).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import _l5pc as problem
import jax
import jax.numpy as jnp
import numpy as np

import rallax.sim as rx
from rallax.sim.morphology import Section, discretize_all, read_reconstruction


def build(path: Path) -> tuple[rx.Cell, dict[str, np.ndarray]]:
    """The cell with its target's parameters, ready to run, and the table of branches and compartments."""
    reconstruction = read_reconstruction(path)
    groups = [section.group for section in reconstruction]
    ncomps = [count_compartments(section) for section in reconstruction]
    geometry = discretize_all(reconstruction.sections, ncomps)
    cell = rx.Cell.from_geometry(geometry, ncomps, reconstruction.parents, reconstruction.parent_locs, groups)
    for group, capacitance in problem.CAPACITANCE.items():
        getattr(cell, group).set("capacitance", capacitance)
    cell.set("axial_resistivity", problem.AXIAL_RESISTIVITY)
    cell.insert(rx.pas())
    for region, mechanisms in problem.REGIONS.items():
        for name in mechanisms:
            getattr(cell, region).insert(getattr(rx, name)())
    for key, value in problem.FIXED.items():
        (cell if key.startswith("pas") else cell.select(cell.nodes[key].notna().to_numpy())).set(key, value)
    cell.apical.set("Ih_gbar", problem.IH_APICAL)
    cell.basal.set("Ih_gbar", _basal_ih(cell))
    for free in problem.FREE:
        getattr(cell, free.region).set(free.key, free.truth)
    cell.set("v", problem.V_INIT)
    cell.init_states(problem.DELTA_T)
    for group in ("soma", "axon"):
        getattr(cell, group).set("CaCon_i", problem.CALCIUM[0])
        getattr(cell, group).set("CaCon_e", problem.CALCIUM[1])
    soma = cell.soma.branch(0).loc(0.5)
    soma.stimulate(rx.step_current(*problem.STEP, problem.DELTA_T, problem.T_MAX))
    soma.record()
    for free in problem.FREE:
        getattr(cell, free.region).make_trainable(free.key)
    mechanisms = dict.fromkeys(problem.REGIONS["apical"] + problem.REGIONS["axon"])
    states = [key for name in mechanisms for key in getattr(rx, name)().channel_states]
    nodes = cell.nodes
    table = {
        "branch_ncomp": np.asarray(ncomps),
        "branch_parent": np.asarray(reconstruction.parents),
        "branch_parent_loc": np.asarray(reconstruction.parent_locs, float),
        "stimulus": cell.externals["i"],
        **{key: nodes[key].to_numpy(dtype=float) for key in {*_GEOMETRY, "Ih_gbar", *states}},
    }
    return cell, table


_GEOMETRY = ("length", "radius", "area", "volume", "resistive_load_in", "resistive_load_out", "capacitance")


def count_compartments(section: Section) -> int:
    """The d_lambda rule with the mean diameter of a section, weighted by length."""
    steps = np.linalg.norm(np.diff(section.points, axis=0), axis=1)
    diameter = np.sum(steps * (section.radii[:-1] + section.radii[1:])) / steps.sum()
    capacitance = problem.CAPACITANCE[section.group]
    constant = 1e5 * np.sqrt(diameter / (4 * np.pi * 100.0 * capacitance * problem.AXIAL_RESISTIVITY))
    return 2 * int((steps.sum() / (problem.D_LAMBDA * constant) + 0.9) / 2) + 1


def _basal_ih(cell: rx.Cell) -> np.ndarray:
    """Density (S/cm^2) of Ih, growing with the straight distance from the soma's centre."""
    centers = cell.nodes[["x", "y", "z"]].to_numpy()
    distance = np.linalg.norm(centers - centers[0], axis=1)[cell.nodes["basal"].to_numpy()]
    return (-0.8696 + 2.087 * np.exp(0.0031 * distance)) * 8e-5


def compete(path: Path, n_starts: int, steps: int, lanes: int) -> dict[str, Any]:
    """Target, traces at the starts, and the descent of all starts, `lanes` of them side by side."""
    begin = problem.clocks()
    cell, table = build(path)
    run = rx.batched(cell, problem.DELTA_T, lane_width=lanes)
    build_seconds = problem.clocks() - begin
    theta = problem.starts(n_starts)
    traces = np.asarray(run(tree(cell, np.concatenate([problem.TRUTH[None], theta]))))[:, 0]
    target = problem.statistics(jnp.asarray(traces[0]))
    found = descend(cell, run, target, theta, steps)
    return {
        **{f"table_{key}": value for key, value in table.items()},
        "target": np.asarray(target),
        "target_trace": traces[0],
        "traces": traces[1:],
        "losses": found.losses,
        "first_gradient": found.first_gradient,
        "build_seconds": build_seconds,
        "first_seconds": found.seconds[0],
        "step_seconds": found.seconds[1:] / n_starts,
    }


def descend(cell: rx.Cell, run: rx.Batched, target: jax.Array, theta: np.ndarray, steps: int) -> problem.Descent:
    """The descent of all starts theta [start, parameter] on a target's statistics."""
    keys = [next(iter(entry)) for entry in cell.get_parameters()]
    gradient_of = run.value_and_grad(lambda v: problem.loss(v[0], target))

    def value_and_grad(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        theta, pull = jax.vjp(problem.SPACE.to_theta, jnp.asarray(u))
        losses, entries = gradient_of(tree(cell, theta))
        gradient = jnp.concatenate([entry[key] for key, entry in zip(keys, entries, strict=True)], axis=1)
        return np.asarray(losses), np.asarray(pull(gradient.astype(theta.dtype))[0])

    return problem.descend(value_and_grad, problem.SPACE.to_u(theta), steps)


def tree(cell: rx.Cell, theta: np.ndarray | jax.Array) -> list[dict[str, jax.Array]]:
    """theta [start, parameter] as a batched tree of the cell's trainables."""
    keys = [next(iter(entry)) for entry in cell.get_parameters()]
    return [{key: jnp.asarray(theta)[:, i : i + 1]} for i, key in enumerate(keys)]
