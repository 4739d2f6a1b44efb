"""What runs in the process of a Ray worker: one problem, built once, and the items that come.

Imported in the worker before JAX opens a device; its environment is complete by then. Faults come back as text: an
exception's class may not exist elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

import ray

from ..device import device_class
from ..memory import ran_out_of_memory
from ..problem import Problem, Recipe, build
from ..trace_sink import TraceSink, build_sink
from ..wire import Flat, answer_to_wire, item_from_wire
from ..work import perform

_NO_GPU = (
    "gpus_per_worker is above 0 but JAX sees no GPU here; install jax[cuda12] on that machine and check nvidia-smi, "
    "or set [compute] gpus_per_worker = 0"
)


class Place(NamedTuple):
    """Where a worker is: the class of its device, its node by Ray's name, its machine for people, what is wrong."""

    device: str
    node: str
    machine: str
    fault: str


class Failed(NamedTuple):
    """What went wrong with an item."""

    detail: str
    out_of_memory: bool


class RayWorker:
    """The actor. One call at a time, in the order in which they were sent."""

    def __init__(self) -> None:
        self._problem: Problem | None = None
        self._sink: TraceSink | None = None

    def place(self, needs_gpu: bool) -> Place:
        """Where this worker is, and what keeps it from working."""
        node = ray.get_runtime_context().get_node_id()
        machine = f"{ray.util.get_node_ip_address()} ({node[:6]})"
        try:
            device = device_class()
        except RuntimeError as error:  # JAX could not open the platform it was told to use
            hint = f"; {_NO_GPU}" if needs_gpu else ""
            return Place("", node, machine, f"{machine}: no device: {one_line(error)}{hint}")
        fault = f"{machine}: {_NO_GPU}" if needs_gpu and device.startswith("cpu:") else ""
        return Place(device, node, machine, fault)

    def build(self, recipe: Recipe) -> str:
        """Build the problem; "" or what went wrong."""
        try:
            self._problem = build(recipe)
            self._sink = None if recipe.sink is None else build_sink(recipe.sink)
        except Exception as error:  # told to the coordinator, which decides
            return f"the problem cannot be built: {one_line(error)}"
        return ""

    def perform(self, flat: Flat) -> Flat | Failed:
        """The answer, or what went wrong."""
        assert self._problem is not None
        try:
            return answer_to_wire(perform(self._problem, item_from_wire(flat), self._sink))
        except Exception as error:  # told to the coordinator, which decides
            return Failed(one_line(error), ran_out_of_memory(error))


def one_line(error: BaseException) -> str:
    """An exception as one line; its class where the text alone may not tell."""
    text = " ".join(str(error).split())[:500]
    return text if type(error) is ValueError and text else f"{type(error).__name__}: {text}"
