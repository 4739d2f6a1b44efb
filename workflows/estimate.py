"""How much work and memory a job takes, and how long.

Owns the counting, and the short measurement that turns it into time. What the shape of the work is, `settings` says.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .job import Job
from .settings import LEAST_LANES, MOST_LANES, Settings
from .sweeps import PreparedSweep

if TYPE_CHECKING:
    from rallax.sim.lowered import Model

    from .model import BuiltModel

MEASURED_STEPS = 200
#: Lanes of an item that `lanes = "measure"` tries, beside those of the rule.
MEASURED_LANES = (1, 8, 16, 32, 64)


@dataclass(frozen=True)
class Work:
    """What a job takes.

    Attributes
    ----------
    parameters, starts, sweeps : free parameters, starts, training sweeps in each step
    compartments : of the cell
    candidate_steps : simulated time steps of all candidates and sweeps, forward only
    gradient_steps : those of the whole fit, forward and backward; each start and sweep counts
    lanes : starts × sweeps that one item of work simulates side by side
    saved_bytes : of the states that the gradient of one item saves at once
    """

    parameters: int
    starts: int
    sweeps: int
    compartments: int
    candidate_steps: int
    gradient_steps: int
    lanes: int
    saved_bytes: int


def settings_of(job: Job, model: BuiltModel, sweeps: Sequence[PreparedSweep]) -> Settings:
    """The shape of the work that `job` asks for; with `lanes = "measure"` the fastest, timed here and now."""
    from rallax.sim.batched import widest_block
    from rallax.sim.lower import lower

    from .problem import group_sweeps

    sizes = [len(group) for group in group_sweeps(job, tuple(sweeps))]
    lanes = job.simulation.lanes
    if isinstance(lanes, int):
        return Settings.choose(job.fit.starts, sizes, lanes)
    most = MOST_LANES
    if max(sizes) > LEAST_LANES and not job.compute.gpus_per_worker:
        most = widest_block(_lane_bytes(job, lower(model.module).model))
    by_rule = Settings.choose(job.fit.starts, sizes, most=most)
    if lanes == "auto":
        return by_rule
    shapes = dict.fromkeys([by_rule, *(Settings.choose(job.fit.starts, sizes, n) for n in MEASURED_LANES)])
    return min(shapes, key=lambda shape: sum(_lane_step_seconds(job, model, sweeps, _lanes(shape))))


def work_of(job: Job, model: BuiltModel, sweeps: Sequence[PreparedSweep], settings: Settings) -> Work:
    """Count the work of `job` with its cell and prepared sweeps; where a step draws some sweeps, their mean counts."""
    from rallax.sim.lower import lower
    from rallax.sim.time_loop import choose_levels

    lengths = [sweep.n_steps for sweep in sweeps if sweep.use == "train"]
    per_step = job.fit.sweeps_per_step or len(lengths)
    lanes = _lanes(settings)
    lowered = lower(model.module).model
    lane_bytes = _lane_bytes(job, lowered)
    levels = choose_levels(max(lengths), lane_bytes * lanes, settings.memory_budget_bytes)
    return Work(
        parameters=len(job.parameters),
        starts=job.fit.starts,
        sweeps=per_step,
        compartments=lowered.n_comp,
        candidate_steps=job.fit.candidates * sum(lengths),
        gradient_steps=job.fit.steps * job.fit.starts * sum(lengths) * per_step // len(lengths),
        lanes=lanes,
        saved_bytes=sum(levels) * lane_bytes * lanes,
    )


def measure_seconds(job: Job, model: BuiltModel, sweeps: Sequence[PreparedSweep], work: Work) -> float:
    """Seconds that the fit of `job` takes on this machine, compilation aside, from `MEASURED_STEPS` steps run here.

    Every worker is taken to be as fast as this process, and their number divides the time; validation, storage and
    the coordinator are not counted.
    """
    forward_seconds, gradient_seconds = _lane_step_seconds(job, model, sweeps, work.lanes)
    compute = job.compute
    room = max(1, int((os.cpu_count() or 1) / compute.cpus_per_worker))
    workers = compute.workers if isinstance(compute.workers, int) else min(room, compute.most_workers or room)
    return (work.candidate_steps * forward_seconds + work.gradient_steps * gradient_seconds) / workers


def _lane_bytes(job: Job, lowered: Model) -> int:
    """Of one lane's states at one moment, v of branch points among them."""
    values = sum(state.shape[0] for state in lowered.states.values()) + lowered.n_node - lowered.n_comp
    return values * np.dtype(job.simulation.precision).itemsize


def _lanes(settings: Settings) -> int:
    return settings.starts_per_block * max(settings.sweeps_per_item)


def _lane_step_seconds(job: Job, model: BuiltModel, sweeps: Sequence[PreparedSweep], lanes: int) -> tuple[float, float]:
    """Seconds of one time step of one lane: forward, and with its gradient."""
    import jax
    import jax.numpy as jnp

    from rallax import sim

    from .problem import space_of

    first = next(sweep for sweep in sweeps if sweep.use == "train")
    with jax.enable_x64(job.simulation.precision == "float64"):
        dtype = jnp.dtype(job.simulation.precision)
        module = model.at(first.site)
        n_sites = len(module.base._external_inds["i"])
        run = sim.batched(
            module,
            delta_t=first.delta_t_ms,
            t_max=MEASURED_STEPS * first.delta_t_ms,
            solver=job.simulation.solver,
            dtype=dtype,
            steady=True,
            lane_width=lanes,
        )
        theta = space_of(job).to_theta(jnp.zeros((lanes, len(job.parameters)), dtype))
        tree = jax.vmap(model.tree)(theta)
        stimuli = jnp.zeros((1, n_sites, MEASURED_STEPS), dtype)
        v_init = jnp.full((1,), first.v_init_mV, dtype)
        gradient = run.value_and_grad(lambda v: jnp.mean(jnp.square(v)))
        forward_seconds = _seconds(lambda: run(tree, stimuli, v_init))
        gradient_seconds = _seconds(lambda: gradient(tree, stimuli=stimuli, v_init=v_init))
    lane_steps = lanes * MEASURED_STEPS
    return forward_seconds / lane_steps, gradient_seconds / lane_steps


def _seconds(run: Callable[[], Any]) -> float:
    """The shortest of three runs after the one that compiles."""
    import jax

    jax.block_until_ready(run())
    found = []
    for _ in range(3):
        begin = time.perf_counter()
        jax.block_until_ready(run())
        found.append(time.perf_counter() - begin)
    return min(found)
