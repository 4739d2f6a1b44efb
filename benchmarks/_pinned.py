"""A contestant of a benchmark: a process of its own, on one core."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

#: Large pages for every contestant: a setting of the allocator that any of them may use.
LARGE_PAGES = "glibc.malloc.hugetlb=1"


def pinned(command: Sequence[str], plain: bool = False, capture: bool = False, **variables: str) -> str:
    """Run a command on the last core that this process may use, one thread of XLA; what it printed if captured.

    `plain`: without large pages and without the vector width that rallax sets.
    """
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "NPROC": "1", "PJRT_NPROC": "1", "OMP_NUM_THREADS": "1"}
    environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if plain:
        environment["XLA_FLAGS"] += " --xla_cpu_prefer_vector_width=256"
    else:
        environment["GLIBC_TUNABLES"] = LARGE_PAGES
    environment.update(variables)
    core = max(os.sched_getaffinity(0))
    done = subprocess.run(
        ["taskset", "-c", str(core), *command], check=True, env=environment, text=True, capture_output=capture
    )
    return done.stdout or ""
