"""[compute]: the workers. Nothing here changes the result. Owns the keys only."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from .table import Table, word_or_number

Workers = Annotated[
    int | str,
    BeforeValidator(word_or_number("auto", "a whole number of at least 1", int, minimum=1)),
    WithJsonSchema({"type": '"auto" or a whole number'}),
]

Seconds = Annotated[
    float | str,
    BeforeValidator(word_or_number("auto", "a number of seconds, 1 or above", float, minimum=1)),
    WithJsonSchema({"type": '"auto" or a number'}),
]


class Compute(Table):
    """[compute]: how many workers, what each takes, and where Ray runs."""

    workers: Workers = Field(
        "auto",
        description='Ray actors that simulate; "auto": as many as there is room for, one for each GPU with '
        "gpus_per_worker = 1, one for each core with 0.",
    )
    most_workers: int | None = Field(
        None, ge=1, description='With workers = "auto", at most so many, however many machines join.'
    )
    cpus_per_worker: float = Field(1, gt=0, le=4096, description="Cores of each worker.")
    gpus_per_worker: float = Field(0, ge=0, le=1, description="GPU of each worker: 1, or a fraction that shares one.")
    address: str | None = Field(
        None, min_length=1, description="Address of a running Ray cluster; without it Ray starts on this machine."
    )
    await_nodes_s: float = Field(
        0,
        ge=0,
        description="With no room for a worker when the fit begins, wait so long for machines to join; an autoscaling "
        "cluster that begins without any takes minutes.",
    )
    hang_s: Seconds = Field(
        "auto",
        description='A worker busy with one item for longer than this is ended; "auto": 30 times what such items '
        "usually take and at least 300 s, or 3600 s before that is known.",
    )
    mixed_devices: bool = Field(
        False,
        description="Let workers of different processors or GPUs take part; which of them computed what then decides "
        "the last bits.",
    )
