"""Contestants in processes of their own, one pinned core each: who is installed, their cell, the figures' file.

Owns how a contestant is started and where the benchmarks' cell comes from. What is run belongs to the contestants'
files, the bars to the scripts.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: Contestant: the package without which it cannot run.
PACKAGES = {"rallax": "rallax", "jaxley": "jaxley_mech", "neuron": "neuron", "arbor": "arbor"}
LAYER5 = "rat_l5pc_with_axon.swc"
#: Names of the reconstructions that this process measured, for its figures.
_measured: list[str] = []


@contextmanager
def cell_file(name: str = LAYER5) -> Iterator[Path]:
    """A reconstruction of the data folder; where that is absent, the shipped example's grown pyramidal cell."""
    path = Path(os.environ.get("RALLAX_DATA", HERE.parents[1] / "shared/data")) / "morphologies" / name
    if path.is_file():
        _measured.append(name)
        yield path
        return
    from rallax.workflows.example.grow import grow_pyramidal_cell
    from rallax.workflows.example.swc import write_swc

    print(f"no {path}: the grown pyramidal cell stands in; RALLAX_DATA names the data folder", flush=True)
    _measured.append("the grown pyramidal cell")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grown.swc"
        write_swc(grow_pyramidal_cell(), path, "grown pyramidal cell")
        yield path


def present(names: Sequence[str]) -> list[str]:
    """Those of the contestants that are installed; a line for each that is not."""
    found = [name for name in names if importlib.util.find_spec(PACKAGES[name]) is not None]
    for name in names:
        if name not in found:
            print(f"left out: {name} ({PACKAGES[name]} is not installed)", flush=True)
    return found


def compete(
    script: str, call: dict[str, Any], *, plain: bool = False, environment: dict[str, str] | None = None
) -> dict[str, Any]:
    """Run benchmarks/`script` with `call` as JSON, pinned to one core with one thread; the figures that it wrote.

    `plain` leaves out large pages and vectors of 512 bits; `environment` is added to that of the process.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, str(HERE / script), json.dumps({**call, "out": str(out)})]
        settings = {**os.environ, "JAX_PLATFORMS": "cpu", "NPROC": "1", "PJRT_NPROC": "1", "OMP_NUM_THREADS": "1"}
        settings["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        if plain:
            settings["XLA_FLAGS"] += " --xla_cpu_prefer_vector_width=256"
        else:
            # Large pages for every contestant: an allocator's setting that any of them may use.
            settings["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        settings |= environment or {}
        core = max(os.sched_getaffinity(0))
        subprocess.run(["taskset", "-c", str(core), *command], check=True, env=settings)
        found: dict[str, Any] = json.loads(out.read_text())
        return found


def write_figures(path: Path | None, script: str, result: dict[str, Any]) -> None:
    """Write a script's figures with the day, the machine and the contestants' versions; nothing without a path."""
    if path is None:
        return
    versions = {}
    for package in ("jax", "Jaxley", "jaxley-mech", "neuron", "arbor"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    about = {"script": script, "date": time.strftime("%Y-%m-%d"), "cpu": processor(), "versions": versions}
    about |= {"cells": sorted(set(_measured))}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, **result}, indent=1) + "\n")


def processor() -> str:
    """Name of the processor, and the widest vectors that it says to have."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = facts.get("flags", "").split()
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else ""
    return ", ".join(part for part in (facts.get("model name", platform.machine()), wide) if part)
