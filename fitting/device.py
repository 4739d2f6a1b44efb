"""The class of device a process computes on: results are bit-identical within one class only."""

from __future__ import annotations

import platform
from pathlib import Path

import jax


def device_class() -> str:
    """``"cpu:<processor model>"``, or ``"<platform>:<device kind>"`` of JAX's first default device.

    A processor with vectors of 512 bits says so: sums come out in another order with them.
    """
    device = jax.devices()[0]
    if device.platform == "cpu":
        return f"cpu:{_processor()}"
    return f"{device.platform}:{device.device_kind}"


def _processor() -> str:
    found = _first_processor()
    model = found.get("model name") or platform.processor() or platform.machine()
    return f"{model} with AVX-512" if "avx512f" in found.get("flags", "").split() else model


def _first_processor() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
