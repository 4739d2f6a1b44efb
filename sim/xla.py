"""XLA's setting for the CPU, made before the first computation.

XLA compiles a loop to one native loop only while its buffers are small. The elimination of a whole cell with 64 lanes
is above that limit and would run as hundreds of kernels a step, so the limit is raised, by an option that other
backends ignore, unless the user has set it. Once JAX has computed something in this process it changes nothing.
"""

from __future__ import annotations

import os

_OPTION = "xla_cpu_small_while_loop_byte_threshold"
_VALUE = f"{_OPTION}=100000000"
_EXTRA = "--xla_backend_extra_options="
#: The flag alone, for the environment of another process.
LOOP_LIMIT_FLAG = _EXTRA + _VALUE


def raise_loop_limit() -> None:
    """Add the option to XLA_FLAGS of this process (and of those it starts)."""
    flags = os.environ.get("XLA_FLAGS", "").split()
    if any(_OPTION in flag for flag in flags):
        return
    present = [flag for flag in flags if flag.startswith(_EXTRA)]
    rest = [flag for flag in flags if not flag.startswith(_EXTRA)]
    extra = ",".join([*(flag.removeprefix(_EXTRA) for flag in present), _VALUE])
    os.environ["XLA_FLAGS"] = " ".join([*rest, _EXTRA + extra])
