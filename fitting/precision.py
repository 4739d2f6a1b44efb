"""The coordinator's arithmetic: float64 on a CPU, whatever the caller's JAX configuration; owns no data."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import jax


@functools.cache
def _cpu() -> jax.Device:
    return jax.devices("cpu")[0]


@contextmanager
def float64_on_cpu() -> Iterator[None]:
    """Within it JAX computes in float64 on the first CPU device; the caller's global settings stay as they are.

    A process that must not touch its GPU at all has ``JAX_PLATFORMS=cpu`` set before JAX is imported; this context
    alone keeps arrays off the GPU but lets JAX open it.
    """
    with jax.enable_x64(True), jax.default_device(_cpu()):
        yield
