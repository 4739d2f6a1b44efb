"""A run's inputs from a module's own stimuli and clamps and those given as data: where they go, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .description.module import Module
from .description.signals import DataInputs, inward
from .inputs import CURRENT

Sites = dict[str, np.ndarray]
Values = dict[str, jax.Array]


def collect(module: Module, *data: DataInputs | None) -> tuple[Sites, Values]:
    """Compartments (or synapses) and values (n_sites, T) of each kind; there are always currents, maybe of no site.

    Data come after the module's own: currents add, a clamp takes the place of the module's at the same site.
    """
    sites: Sites = {CURRENT: np.zeros(0, int)}
    values: Values = {CURRENT: jnp.zeros((0, 0))}
    for key, rows in module.base._external_inds.items():
        own = module.base._externals[key]
        if key != CURRENT:
            again = [r for d in data if d is not None for k, _, r in zip(*d, strict=True) if k == key]
            keep = ~np.isin(rows, inward(module.base, key, np.concatenate([np.zeros(0, int), *again])))
            rows, own = rows[keep], own[keep]
            # Shorter clamps beside longer ones of a state end in NaN (description/signals.py): no run goes so far.
            own = own[:, : int(np.isfinite(own).all(axis=0).sum())]
        if key == CURRENT or len(rows):
            sites[key], values[key] = rows, jnp.asarray(own)
    for given in data:
        for key, array, rows in zip(*given, strict=True) if given is not None else ():
            add(sites, values, key, jnp.asarray(array), inward(module.base, key, rows))
    return sites, values


def add(sites: Sites, values: Values, key: str, array: jax.Array, rows: np.ndarray) -> None:
    """Put inputs (n_sites, T) behind those of their kind; a clamp takes the place of one at the same site.

    Shorter currents are padded with zeros, longer clamps cut: no run goes beyond the shortest.
    """
    if key not in sites:
        sites[key], values[key] = rows, array
        return
    keep = np.ones(len(sites[key]), bool) if key == CURRENT else ~np.isin(sites[key], rows)
    both = [values[key][np.flatnonzero(keep)], array] if keep.any() else [array]
    lengths = [a.shape[1] for a in both]
    n = max(lengths) if key == CURRENT else min(lengths)
    fitting = [jnp.pad(a[:, :n], ((0, 0), (0, max(0, n - a.shape[1])))) for a in both]
    sites[key], values[key] = np.concatenate([sites[key][keep], rows]), jnp.concatenate(fitting)


def steps_of(t_max: float | None, delta_t: float, values: Mapping[str, Any]) -> int:
    """Number of steps: round(t_max/delta_t), else the length of the longest stimulus, else of the shortest clamp."""
    if not delta_t > 0:
        raise ValueError(f"delta_t is a time step above 0 ms, not {delta_t}")
    if t_max is not None:
        n_steps = round(t_max / delta_t)
    else:
        clamps = [array.shape[-1] for key, array in values.items() if key != CURRENT]
        n_steps = values[CURRENT].shape[-1] or min(clamps, default=0)
    if n_steps < 1:
        raise ValueError("how long? give t_max in ms, or a stimulus whose length is the duration")
    return n_steps


def fitted(values: Values, n_steps: int) -> Values:
    """[..., time] of each kind with exactly `n_steps` samples: currents padded with zeros or cut, clamps cut.

    Raises ValueError where a clamp is shorter than the run.
    """
    return {key: fitted_currents(x, n_steps) if key == CURRENT else _cut(key, x, n_steps) for key, x in values.items()}


def fitted_currents(currents: jax.Array, n_steps: int) -> jax.Array:
    """[..., T] padded with zeros or cut to `n_steps` samples: sample k acts in the step from k to k+1."""
    currents = currents[..., :n_steps]
    missing = n_steps - currents.shape[-1]
    return jnp.pad(currents, [(0, 0)] * (currents.ndim - 1) + [(0, missing)])


def _cut(key: str, clamp: jax.Array, n_steps: int) -> jax.Array:
    if clamp.shape[-1] < n_steps:
        raise ValueError(f"the clamp of {key} is shorter than the run of {n_steps} steps; give a sample for each step")
    return clamp[..., :n_steps]


def by_step(values: Values) -> Values:
    """(site, time) -> [time, site, lane = 1]."""
    return {key: x.T[:, :, None] for key, x in values.items()}
