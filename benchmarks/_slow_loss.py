"""A loss whose worker takes its time: what `cluster_faults.py` puts beside its job as slow.py.

It is the mean square of the scaled difference. Loaded in a worker, it makes every item sleep before it is computed, and
notes each in a file: process, node, begin and end. So a fit has items of seconds that cost a core next to nothing.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from rallax.workflows import problem

SECONDS = float(os.environ.get("RALLAX_BENCH_SECONDS", "0"))
NOTES = os.environ.get("RALLAX_BENCH_NOTES", "")


def mean_square(v: Any, target: Any, time: Any) -> Any:
    return jnp.mean(((v - target) / 5.0) ** 2)


def _slowed(method: Any) -> Any:
    def perform(self: Any, *arguments: Any) -> Any:
        begin = time.time()
        time.sleep(SECONDS)
        found = method(self, *arguments)
        note = {"pid": os.getpid(), "node": _node(), "begin": begin, "end": time.time()}
        with Path(NOTES).open("a") as stream:  # one short write: lines of several processes do not mix
            stream.write(json.dumps(note) + "\n")
        return found

    return perform


def _node() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())


if NOTES and not hasattr(problem.JobProblem, "slowed"):
    problem.JobProblem.slowed = True  # type: ignore[attr-defined]
    for name in ("losses", "losses_and_gradient", "traces"):
        setattr(problem.JobProblem, name, _slowed(getattr(problem.JobProblem, name)))
