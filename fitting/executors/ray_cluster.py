"""What Ray says of its nodes: which are up, which are being taken away, how many workers they could hold."""

from __future__ import annotations

from typing import Any

import ray


class RayCluster:
    """The nodes of the cluster that this process is connected to, for workers of one size."""

    def __init__(self, cpus: float, gpus: float) -> None:
        self._cpus, self._gpus = cpus, gpus
        self._gcs: Any = None
        self._no_notices = False

    def alive(self) -> set[str]:
        """The nodes that are up, by Ray's names."""
        return {node["NodeID"] for node in ray.nodes() if node["Alive"]}

    def draining(self) -> set[str]:
        """The nodes that are up and will be taken away (a spot machine's notice, an autoscaler's decision).

        Ray tells its own libraries only; where that way is closed there are no notices, and such nodes just go.
        """
        if self._no_notices:
            return set()
        try:
            if self._gcs is None:
                from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled

                self._gcs = GcsClient(address=ray.get_runtime_context().gcs_address)
            return {node.hex() if isinstance(node, bytes) else str(node) for node in self._gcs.get_draining_nodes()}
        except Exception:  # of another version of Ray, or the head does not answer just now
            self._no_notices = self._gcs is None
            return set()

    def room(self) -> int:
        """How many workers the nodes that are up and stay can hold, were they used for nothing else."""
        leaving = self.draining()
        return sum(self._fits(n["Resources"]) for n in ray.nodes() if n["Alive"] and n["NodeID"] not in leaving)

    def _fits(self, has: dict[str, float]) -> int:
        fits = int(has.get("CPU", 0.0) / self._cpus + 1e-9)
        if self._gpus:
            fits = min(fits, int(has.get("GPU", 0.0)) * int(1.0 / self._gpus + 1e-9))
        return fits

    def no_room(self) -> str:
        """Why a worker cannot be had now, and what to do."""
        total = ray.cluster_resources()
        wants = f"{self._cpus:g} CPU" + (f" and {self._gpus:g} GPU" if self._gpus else "")
        has = f"{total.get('CPU', 0.0):g} CPU and {total.get('GPU', 0.0):g} GPU"
        return (
            f"a worker needs {wants}, the Ray cluster has {has} and room for {self.room()} such workers; "
            "set [compute] workers to that, ask less per worker, or add nodes (it starts when there is room)"
        )
