"""The environment of workers, the in-process twin, recipes and configurations."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from fitting_toy import GROUPS, SPACE, Toy, config

from rallax.fitting import (
    Coordinator,
    DispatchPolicy,
    InProcessExecutor,
    Recipe,
    SweepGroup,
    Tag,
    WorkItem,
    build,
    device_class,
    perform,
    worker_environment,
)
from rallax.fitting.events import Answered, ItemFailed, StartWorker, StopWorker, Submit, WorkerJoined, WorkerLost

ONLY_VALIDATION = (SweepGroup("g", ("s",), ("validate",), (1.0,)),)


def item(kind: str = "gradient") -> WorkItem:
    tag = Tag("step", 0, 0, 0, (0, 1))
    return WorkItem(tag, kind, 0, np.array([0, 1]), np.array([0.5, 0.5]), np.arange(6.0).reshape(2, 3))  # type: ignore[arg-type]


def test_a_cpu_worker_cannot_take_a_gpu_and_a_gpu_worker_cannot_do_without() -> None:
    cpu = worker_environment(precision="float32", xla_flags=["--xla_a=1"])
    assert cpu["JAX_PLATFORMS"] == "cpu" and cpu["JAX_ENABLE_X64"] == "0" and cpu["OMP_NUM_THREADS"] == "1"
    assert cpu["XLA_FLAGS"] == "--xla_a=1 --xla_cpu_multi_thread_eigen=false"
    gpu = worker_environment(precision="float64", cpus=2, gpus=0.25, cache_dir="/tmp/cache")
    assert gpu["JAX_PLATFORMS"].split(",")[0] == "cuda" and gpu["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.225"
    assert gpu["JAX_COMPILATION_CACHE_DIR"] == "/tmp/cache" and gpu["JAX_ENABLE_X64"] == "1"
    assert gpu["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"
    for wrong in ({"cpus": 0}, {"gpus": 1.5}, {"gpus": -1}):
        with pytest.raises(ValueError, match=r"\[compute\] [cg]pus_per_worker"):
            worker_environment(precision="float32", **wrong)


def test_jax_starts_with_this_environment() -> None:
    """XLA ends the process at an unknown flag, so this is the check that the flags are known."""
    code = "import jax; print(jax.jit(lambda x: x + 1)(1.0).dtype, jax.default_backend())"
    environment = worker_environment(precision="float64")
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["float64", "cpu"]


def test_the_in_process_twin_answers_in_order_and_survives_faults() -> None:
    workers = InProcessExecutor(Toy())
    workers.submit(StartWorker())
    joined = workers.next_event(0.0)
    assert isinstance(joined, WorkerJoined) and joined.device == device_class()
    workers.submit(Submit(joined.worker, item()))
    workers.submit(Submit(joined.worker, item("nonsense")))
    answered, traces = workers.next_event(0.0), workers.next_event(0.0)
    assert isinstance(answered, Answered) and isinstance(traces, Answered)
    assert answered.answer.losses is not None and answered.answer.losses.shape == (2, 2)
    workers.submit(Submit(joined.worker, item()))
    workers.submit(StopWorker(joined.worker))
    assert isinstance(workers.next_event(0.0), WorkerLost) and workers.next_event(0.0) is None
    broken = InProcessExecutor(object())  # type: ignore[arg-type]
    broken.submit(Submit("local-1", item()))
    failed = broken.next_event(0.0)
    assert isinstance(failed, ItemFailed) and "AttributeError" in failed.detail


@pytest.mark.parametrize("kind, shapes", [("losses", [(2, 2), None, None]), ("gradient", [(2, 2), (2, 3), None])])
def test_items_give_arrays_of_their_shape(kind: str, shapes: list) -> None:
    answer = perform(Toy(), item(kind))
    got = [None if a is None else a.shape for a in (answer.losses, answer.gradient, answer.traces)]
    assert got == shapes and answer.tag == item().tag


@pytest.mark.parametrize(
    "entry, words",
    [
        ("fitting_toy", "not of the form"),
        ("no_such_module:f", "is the package installed here"),
        ("fitting_toy:nothing", "has no function nothing"),
        ("fitting_toy:differing_", "has no function"),
        ("builtins:dict", "gave a dict, which lacks space"),
    ],
)
def test_recipes_that_build_nothing_say_why(entry: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build(Recipe(entry))


def test_a_recipe_builds_a_problem() -> None:
    assert isinstance(build(Recipe("fitting_toy:build_toy", {"seconds": 0.0})), Toy)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: config(candidates=4), r"\[fit\] candidates = 4 is below starts = 5"),
        (lambda: config(starts=0), r"\[fit\] starts = 0"),
        (lambda: config(steps=2.5), r"\[fit\] steps = 2.5 must be a whole number"),
        (lambda: config(seed=-1), r"\[fit\] seed = -1"),
        (lambda: config(sweeps_per_item=(0, 1)), "sweeps_per_item"),
        (lambda: Coordinator(config(sweeps_per_step=9), SPACE, GROUPS), "exceeds the 4 training sweeps"),
        (lambda: Coordinator(config(sweeps_per_item=(2,)), SPACE, GROUPS), "1 widths for 2 groups"),
        (
            lambda: Coordinator(config(sweeps_per_item=(1,)), SPACE, (SweepGroup("g", ("s",), ("validate",), (1.0,)),)),
            "train",
        ),
        (lambda: SweepGroup("g", ("s",), ("test",), (1.0,)), 'sweep "s" has use = "test"'),  # type: ignore[arg-type]
        (lambda: SweepGroup("g", ("s",), ("train",), (0.0,)), 'sweep "s" has weight = 0.0'),
        (lambda: SweepGroup("g", ("s",), (), (1.0,)), "one of each per sweep"),
        (lambda: DispatchPolicy(workers=0), r"\[compute\] workers = 0"),
        (lambda: DispatchPolicy(hang=0.0), r"\[compute\] hang"),
        (lambda: DispatchPolicy(straggler_factor=0.5), "straggler_factor"),
    ],
)
def test_mistakes_in_the_configuration_are_named(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
