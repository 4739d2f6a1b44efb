"""The job as `rallax.fitting` sees it: losses, gradients and traces as functions of arrays.

Owns the grouping of sweeps and the way theta -> cell -> batched simulation -> loss. A worker builds it once from the
resolved job (`from_config`); nothing but plain data travels.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from rallax import sim
from rallax.fitting import Parameter, ParameterSpace, Recipe, SweepGroup
from rallax.fitting.losses import CompositeLoss, Target, build_loss, make_target

from .job import Job
from .loss_terms import terms_for
from .model import BuiltModel, batched_tree, build_model
from .resolve import SHIPPED, ResolvedJob
from .settings import Settings
from .sweeps import PreparedSweep, prepare_sweeps
from .user_code import load_entry

ENTRY = "rallax.workflows.problem:from_config"


def recipe_of(resolved: ResolvedJob) -> Recipe:
    """How a worker builds the problem of a resolved job."""
    return Recipe(ENTRY, {"resolved": resolved.to_json()})


def from_config(config: Mapping[str, Any]) -> JobProblem:
    """The problem of a recipe; its files are checked against the resolved job's hashes."""
    resolved = ResolvedJob.from_json(config["resolved"])
    if shipped := os.environ.get(SHIPPED):
        # Each node unpacks what was sent in a directory of its own, and Ray starts its workers there.
        resolved = resolved.in_folder(Path.cwd() / shipped)
    resolved.verify()
    problem = JobProblem(resolved.job, Settings.of(resolved))
    # Once more, now that they have been read: a file may have changed between the two.
    resolved.verify()
    return problem


def space_of(job: Job) -> ParameterSpace:
    """The free parameters of a job."""
    return ParameterSpace(tuple(Parameter(p.name, *p.bounds, transform=p.transform) for p in job.parameters))


def group_sweeps(job: Job, sweeps: tuple[PreparedSweep, ...]) -> list[list[PreparedSweep]]:
    """Sweeps that can be simulated side by side: equal length, site, samples, loss and use; in the job's order.

    Training and validation stand apart, since only the former need a gradient.
    """
    groups: dict[str, list[PreparedSweep]] = {}
    for sweep in sweeps:
        alike = [sweep.use, sweep.n_steps, len(sweep.time_ms), sweep.site.model_dump(), terms_for(job, sweep)]
        groups.setdefault(json.dumps([*alike, sweep.stimulus_nA is None]), []).append(sweep)
    return list(groups.values())


def group_table(groups: list[list[PreparedSweep]]) -> tuple[SweepGroup, ...]:
    """What the coordinator knows of the groups."""
    return tuple(
        SweepGroup(
            name=f"group-{i}",
            sweeps=tuple(s.name for s in sweeps),
            use=tuple(s.use for s in sweeps),
            weights=tuple(s.weight for s in sweeps),
        )
        for i, sweeps in enumerate(groups)
    )


@dataclass(frozen=True)
class _Group:
    """One group ready to run: everything with a leading axis of sweeps."""

    run: sim.Batched
    loss: CompositeLoss
    stimuli: jax.Array | None
    target: Target
    v_init: jax.Array


class JobProblem:
    """A `rallax.fitting.Problem`: one model, compiled once for each group of sweeps and kind of call."""

    def __init__(self, job: Job, settings: Settings) -> None:
        self._dtype = jnp.dtype(job.simulation.precision)
        if self._dtype == jnp.float64 and not jax.config.read("jax_enable_x64"):
            raise ValueError('precision = "float64" needs JAX_ENABLE_X64=1 in the environment of the process')
        self.space = space_of(job)
        self._model = build_model(job)
        grouped = group_sweeps(job, prepare_sweeps(job))
        self.groups = group_table(grouped)
        self._groups = [
            _prepared(job, self._model, sweeps, self._dtype, settings, settings.sweeps_per_item[i])
            for i, sweeps in enumerate(grouped)
        ]
        self._tree = jax.jit(partial(_tree_of, self.space, self._model))
        self._pull = jax.jit(partial(_pull_back, self.space, self._model))
        self._value_and_grad = [g.run.value_and_grad(partial(_loss, g.loss)) for g in self._groups]
        self._losses = [g.run.losses(partial(_loss, g.loss)) for g in self._groups]

    def losses(
        self, group: int, u: Float[np.ndarray, "starts parameters"], sweeps: Int[np.ndarray, " sweeps"]
    ) -> Float[np.ndarray, "starts sweeps"]:
        """See `rallax.fitting.Problem`."""
        here, pick = self._groups[group], np.asarray(sweeps)
        found = self._losses[group](self._tree(self._cast(u)), *_picked(here, pick), here.v_init[pick])
        return np.asarray(found, np.float64).reshape(len(u), len(pick))

    def losses_and_gradient(
        self,
        group: int,
        u: Float[np.ndarray, "starts parameters"],
        sweeps: Int[np.ndarray, " sweeps"],
        weights: Float[np.ndarray, " sweeps"],
    ) -> tuple[Float[np.ndarray, "starts sweeps"], Float[np.ndarray, "starts parameters"]]:
        """See `rallax.fitting.Problem`."""
        here, pick, at = self._groups[group], np.asarray(sweeps), self._cast(u)
        found, gradient = self._value_and_grad[group](
            self._tree(at), *_picked(here, pick), here.v_init[pick], np.asarray(weights)
        )
        pulled = self._pull(at, gradient)
        return np.asarray(found, np.float64).reshape(len(u), len(pick)), np.asarray(pulled, np.float64)

    def traces(
        self, group: int, u: Float[np.ndarray, "starts parameters"], sweeps: Int[np.ndarray, " sweeps"]
    ) -> Float[np.ndarray, "starts sweeps sites samples"]:
        """See `rallax.fitting.Problem`: mV at the recorded samples."""
        here, pick = self._groups[group], np.asarray(sweeps)
        stimuli, target = _picked(here, pick)
        v = here.run(self._tree(self._cast(u)), stimuli, here.v_init[pick])
        return np.asarray(jax.jit(_at_samples)(v, target))

    def _cast(self, u: np.ndarray) -> jax.Array:
        return jnp.asarray(u, self._dtype)


def _tree_of(space: ParameterSpace, model: BuiltModel, u: jax.Array) -> Any:
    return batched_tree(model, space.to_theta(u))


def _pull_back(space: ParameterSpace, model: BuiltModel, u: jax.Array, gradient: Any) -> jax.Array:
    """The gradient in u from the one in the trainables."""
    return jax.vjp(partial(_tree_of, space, model), u)[1](gradient)[0]


def _loss(loss: CompositeLoss, v: jax.Array, target: Target) -> jax.Array:
    return loss(target.sample(v[0]), target)


def _at_samples(v: jax.Array, target: Target) -> jax.Array:
    return jax.vmap(jax.vmap(lambda x, t: t.sample(x)), in_axes=(0, None))(v, target)


def _picked(group: _Group, sweeps: np.ndarray) -> tuple[jax.Array | None, Target]:
    stimuli = None if group.stimuli is None else group.stimuli[sweeps]
    return stimuli, cast(Target, jax.tree.map(lambda x: x[sweeps], group.target))


def _prepared(
    job: Job, model: BuiltModel, sweeps: list[PreparedSweep], dtype: Any, settings: Settings, width: int
) -> _Group:
    first = sweeps[0]
    module = model.at(first.site)
    run = sim.batched(
        module,
        delta_t=first.delta_t_ms,
        t_max=first.n_steps * first.delta_t_ms,
        solver=job.simulation.solver,
        dtype=dtype,
        steady=True,
        memory_budget=settings.memory_budget_bytes,
        lane_width=settings.starts_per_block * width,
    )
    loss = build_loss(terms_for(job, first), partial(load_entry, folder=job.folder))
    targets = [make_target(s.simulated_time_ms, s.voltage_mV, s.delta_t_ms, s.n_steps, dtype.type) for s in sweeps]
    for sweep in sweeps:
        loss.check(sweep.simulated_time_ms)
    n_sites = len(module._external_inds["i"])
    stimuli = [s.stimulus_nA for s in sweeps if s.stimulus_nA is not None]
    if stimuli and n_sites != 1:
        raise ValueError(f"sweeps.current: the module stimulates {n_sites} compartments, so it brings its own currents")
    return _Group(
        run=run,
        loss=loss,
        stimuli=jnp.asarray(np.stack(stimuli)[:, None, :], dtype) if stimuli else _own(module, len(sweeps), dtype),
        target=cast(Target, jax.tree.map(lambda *x: jnp.stack(x), *targets)),
        v_init=jnp.asarray([s.v_init_mV for s in sweeps], dtype),
    )


def _own(module: sim.Module, n: int, dtype: Any) -> jax.Array:
    """The module's own stimuli, once for each sweep."""
    return jnp.broadcast_to(jnp.asarray(module._externals["i"], dtype), (n, *module._externals["i"].shape))
