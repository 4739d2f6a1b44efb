"""Starts that yield NaN, run out of memory or hang: each is given up and named, the others' results stay the same bits.

    python benchmarks/poison.py [--hang 20]

A small job (that of the tests, eight starts in two blocks) is fitted by two real Ray workers: first as it is, then
with three starts whose gradients fail. One yields NaN, one asks XLA for more memory than there is (it raises
RESOURCE_EXHAUSTED), one never comes back (it is ended after `--hang` seconds). Everything that is stored of the other
starts is compared byte by byte: parameters, losses, optimiser, history.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np
from _bar import tell

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "workflows" / "fits"))
from tiny import write_tiny  # noqa: E402

from rallax.fitting import Recipe  # noqa: E402
from rallax.storage import RunStore  # noqa: E402
from rallax.workflows.execute import execute  # noqa: E402
from rallax.workflows.job import load_job  # noqa: E402
from rallax.workflows.new_run import create_run  # noqa: E402
from rallax.workflows.run import Run  # noqa: E402

STARTS = 8
#: Which starts fail, and how.
WAYS = {1: "nan", 2: "memory", 5: "hang"}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hang", type=float, default=20.0, help="seconds after which a worker is ended")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, _ray():
        folder = Path(scratch)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder / "xla")
        settings = [f"fit.starts={STARTS}", "fit.candidates=12", "fit.steps=12", "compute.workers=2"]
        job = load_job(write_tiny(folder / "job"), [*settings, f"compute.hang_s={arguments.hang}"])
        clean = _fit(job, folder / "clean", {})
        first = clean.space.draw(job.fit.seed, job.fit.candidates)[clean.checkpoint.tree["starts"]["candidate"]]
        begun = time.perf_counter()
        poisoned = _fit(job, folder / "poisoned", {start: (first[start], way) for start, way in WAYS.items()})
        print(f"{time.perf_counter() - begun:.0f} s with the starts that fail")
        _compare(clean, poisoned)
    return 0


def _ray() -> Any:
    import ray

    return ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)


def _fit(job: Any, directory: Path, bad: dict[int, tuple[np.ndarray, str]]) -> Run:
    """The run of a job whose gradients fail at the given parameters."""
    from rallax.fitting.executors.environment import worker_environment
    from rallax.fitting.executors.ray_actors import RayExecutor

    paths = [str(HERE), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = worker_environment(
        precision=job.simulation.precision, cache_dir=os.environ["JAX_COMPILATION_CACHE_DIR"]
    )

    def workers(recipe: Recipe) -> RayExecutor:
        config = {**recipe.config, "bad": [(u.tolist(), way) for u, way in bad.values()]}
        poisoned = Recipe("_poison_problem:build", config, recipe.sink)
        return RayExecutor(poisoned, environment | {"PYTHONPATH": os.pathsep.join(paths)}, name=directory.name)

    store = create_run(job, directory)
    execute(store, workers, workers=2)
    run = Run(RunStore.open(directory))
    run.write_report()
    return run


def _compare(clean: Run, poisoned: Run) -> None:
    page = (poisoned.directory / "report.html").read_text()
    tree = poisoned.checkpoint.tree["starts"]
    for start, way in WAYS.items():
        given_up = bool(tree["quarantined"][start]) if way != "nan" else int(tree["halvings"][start]) >= 3
        named = f"start frozen: start {start} at" if way == "nan" else f"start {start}: "
        met = given_up and named in page
        figure = f"start {start} {'given up' if given_up else 'goes on'}, {'named' if named in page else 'not named'}"
        tell(f"D6 a start that fails by {way}", figure, "given up, named", met)
    innocent = [s for s in range(STARTS) if s not in WAYS]
    others = bool(tree["quarantined"][innocent].any())
    tell("D6 other starts given up", "some" if others else "none", "none", not others)
    differ = sorted(_differing(clean, poisoned, innocent))
    tell("D6 the others' results", f"differ: {differ}" if differ else "same bits", "same bits", not differ)
    for event in poisoned.store.read_log():
        if event["kind"] in ("start quarantined", "start frozen", "item set apart", "fewer items at once"):
            print(f"  {event['message'][:230]}")


def _differing(a: Run, b: Run, starts: list[int]) -> set[str]:
    """What is not the same bytes for these starts."""
    found = set()
    ours, theirs = a.checkpoint.tree, b.checkpoint.tree
    for part in ("starts", "best", "optimizer", "good_optimizer", "best_of_steps"):
        for name, values in ours.get(part, {}).items():
            if np.asarray(values)[starts].tobytes() != np.asarray(theirs[part][name])[starts].tobytes():
                found.add(f"{part}/{name}")
    rows, other_rows = a.history(), b.history()
    for name, values in rows.items():
        if name in ("step", "start"):
            continue
        if values[:, starts].tobytes() != other_rows[name][:, starts].tobytes():
            found.add(f"history/{name}")
    return found


if __name__ == "__main__":
    sys.exit(main())
