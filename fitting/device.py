"""The class of device a process computes on: results are bit-identical within one class only."""

from __future__ import annotations

import platform
from pathlib import Path

import jax


def device_class() -> str:
    """``"cpu:<processor model>"``, or ``"<platform>:<device kind>"`` of JAX's first default device."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return f"cpu:{_processor()}"
    return f"{device.platform}:{device.device_kind}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
