"""XLA's settings for the CPU, made before the first computation; other backends ignore them.

XLA compiles a loop to one native loop only while its buffers are small. The elimination of a whole cell with 64 lanes
is above that limit and would run as hundreds of kernels a step, so the limit is raised. And it prefers vectors of 256
bits where the processor has 512: with 64 lanes the wide ones are faster (benchmarks/speed.py tells by how much).

What the user has set stays. Once JAX has computed something in this process nothing changes any more.
"""

from __future__ import annotations

import os

_EXTRA = "--xla_backend_extra_options="
_LOOP_LIMIT = "xla_cpu_small_while_loop_byte_threshold"
_VECTOR_WIDTH = "--xla_cpu_prefer_vector_width"
_UNROLL = "-unroll-full-max-count"
_OPTIONS = (f"{_LOOP_LIMIT}=100000000", f"{_UNROLL}=4")
#: Numbers of float32 in a vector of 512 bits. Fewer lanes fill none, and loops then go over nodes.
FULL_VECTOR = 16
#: The flags alone, for the environment of another process.
CPU_FLAGS = (_EXTRA + ",".join(_OPTIONS), f"{_VECTOR_WIDTH}=512")


def set_cpu_flags() -> None:
    """Add the flags to XLA_FLAGS of this process (and of those it starts)."""
    os.environ["XLA_FLAGS"] = with_cpu_flags(os.environ.get("XLA_FLAGS", ""))


def with_cpu_flags(flags: str) -> str:
    """These XLA_FLAGS with ours added, where they do not set the same."""
    present = flags.split()
    extra = [o for flag in present if flag.startswith(_EXTRA) for o in flag.removeprefix(_EXTRA).split(",")]
    found = [flag for flag in present if not flag.startswith(_EXTRA)]
    extra += [option for option in _OPTIONS if option.split("=")[0] not in {o.split("=")[0] for o in extra}]
    if not any(flag.startswith(_VECTOR_WIDTH) for flag in found):
        found.append(CPU_FLAGS[1])
    return " ".join([*found, _EXTRA + ",".join(extra)])
