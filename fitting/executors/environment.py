"""The environment of a worker process, complete before JAX is imported in it. Plain data; knows no Ray."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal


def worker_environment(
    *,
    precision: Literal["float32", "float64"],
    cpus: float = 1.0,
    gpus: float = 0.0,
    cache_dir: str | None = None,
    xla_flags: Sequence[str] = (),
) -> dict[str, str]:
    """Environment variables for one worker.

    A worker without a GPU sees the CPU platform only, so it can never take one; a worker with one names CUDA, so that
    JAX fails rather than falls back. One worker per core is meant to be single-threaded: its thread pools have
    ``cpus`` threads. Workers that share a GPU (``gpus`` below 1) take their share of 90 % of its memory.
    ``cache_dir`` holds compiled programs, small ones too, so that a replaced worker need not compile again.

    Raises:
        ValueError: resources that make no sense.
    """
    if not (math.isfinite(cpus) and cpus > 0.0):
        raise ValueError(f"[compute] cpus_per_worker = {cpus} must be above 0")
    if not (math.isfinite(gpus) and gpus >= 0.0 and (gpus <= 1.0)):
        raise ValueError(f"[compute] gpus_per_worker = {gpus} must be 0, 1 or a fraction between")
    threads = str(max(1, int(cpus)))
    flags = list(xla_flags)
    if gpus:
        # Sums by atomic additions would come out differently each time.
        flags.append("--xla_gpu_deterministic_ops=true")
    if threads == "1":
        flags.append("--xla_cpu_multi_thread_eigen=false")
    environment = {
        "JAX_PLATFORMS": "cuda,cpu" if gpus else "cpu",
        "JAX_ENABLE_X64": "1" if precision == "float64" else "0",
        "XLA_FLAGS": " ".join(flags),
        # XLA's CPU client takes the size of its pools from these (PJRT_NPROC in newer versions).
        "NPROC": threads,
        "PJRT_NPROC": threads,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        # The states that a gradient saves are hundreds of megabytes, read once: in pages of 4 KB the processor would
        # look up a page for every few lines of them (benchmarks/speed.py measures with and without).
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }
    if 0.0 < gpus < 1.0:
        environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * gpus:.3f}"
    if cache_dir is not None:
        environment["JAX_COMPILATION_CACHE_DIR"] = cache_dir
        # JAX would keep what took a second to compile, and a first gradient is made of programs that take less.
        environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    return environment
