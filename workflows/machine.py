"""What the machine has for a fit. Owns the looking; how it is shown is for `commands.doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .job.load import unwritable
from .job.simulation import SOLVERS

PACKAGES = (
    "rallax",
    "jax",
    "jaxlib",
    "equinox",
    "optax",
    "numpy",
    "pandas",
    "morphio",
    "neo",
    "igor2",
    "zarr",
    "ray",
    "efel",
    "matplotlib",
)
MIN_MEMORY = 2 * 2**30
MIN_DISK = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked for: what was found, and what is missing and how to get it ("" where nothing is)."""

    what: str
    found: str
    missing: str = ""


def findings(directory: str | Path) -> list[Finding]:
    """Everything that a fit needs of this machine, in the order in which a person would ask."""
    return [
        _python(),
        *_packages(),
        *_devices(),
        _cores(),
        _memory(),
        _disk(Path(directory)),
        _ray(),
        _compilation_cache(),
        Finding("solvers", ", ".join(SOLVERS)),
    ]


def _python() -> Finding:
    version = f"{platform.python_version()} ({sys.executable})"
    return Finding("python", version, "" if sys.version_info >= (3, 11) else "Python 3.11 or newer")


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "", f"not installed: pip install {name}")


def _devices() -> Iterator[Finding]:
    try:
        import jax

        devices = jax.devices()
    except Exception as error:
        # JAX raises whatever its backend does; any of it means that nothing can be simulated.
        yield Finding("devices", "", f"JAX has no device ({type(error).__name__}: {error})")
        return
    kinds = ", ".join(sorted({f"{device.platform} {device.device_kind}" for device in devices}))
    yield Finding("devices", f"{len(devices)}: {kinds}")
    if shutil.which("nvidia-smi") and all(device.platform == "cpu" for device in devices):
        yield Finding("gpu", "nvidia-smi is there, but JAX sees no GPU", 'pip install "jax[cuda12]"')


def _cores() -> Finding:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("cores", f"{available} for this process, {os.cpu_count()} in the machine")


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _memory_limit()
    usable = min(total, limit) if limit else total
    text = f"{_gib(total)} in the machine" + (f", {_gib(limit)} allowed to this process" if limit < total else "")
    return Finding("memory", text, "" if usable >= MIN_MEMORY else f"at least {_gib(MIN_MEMORY)} for a small fit")


def _memory_limit() -> float:
    """The limit that a container sets, in bytes; infinite where there is none."""
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(file).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            return float(text)
    return float("inf")


def _disk(directory: Path) -> Finding:
    problem = unwritable(directory.absolute())
    if problem:
        return Finding("disk", "", problem)
    existing = next(p for p in (directory.absolute(), *directory.absolute().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    return Finding(
        "disk", f"{_gib(free)} free in {existing}", "" if free >= MIN_DISK else f"{_gib(MIN_DISK)} for a run"
    )


def _ray() -> Finding:
    try:
        import ray
    except Exception as error:
        # A Ray that does not fit this Python raises other things than ImportError.
        return Finding("ray on this machine", "", f"cannot be loaded ({type(error).__name__}: {error})")
    address = os.environ.get("RAY_ADDRESS")
    if address:
        return Finding("ray on this machine", f"{ray.__version__}; RAY_ADDRESS = {address}")
    shared = Path("/dev/shm")
    if shared.is_dir() and shutil.disk_usage(shared).total < 2**26:
        missing = "/dev/shm is under 64 MiB; in a container: docker run --shm-size=1g"
        return Finding("ray on this machine", f"{ray.__version__}, starts with each fit", missing)
    return Finding("ray on this machine", f"{ray.__version__}, starts with each fit")


def _compilation_cache() -> Finding:
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if not folder:
        return Finding("compilation cache", "JAX_COMPILATION_CACHE_DIR is not set")
    problem = unwritable(Path(folder).absolute())
    return Finding("compilation cache", folder if not problem else "", problem or "")


def _gib(n: float) -> str:
    return f"{n / 2**30:.1f} GiB"
