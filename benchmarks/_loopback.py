"""A Ray cluster on this machine as `ray start` makes it, with ports and a directory of its own. Ends what it started.

Other clusters may run on the machine, so nothing here uses `ray stop`, which ends them all.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import ray  # noqa: F401  (brings psutil with it)

import psutil  # isort: skip

_BIN = Path(sys.executable).parent


class LoopbackCluster:
    """A head, and nodes that join it. `address` is the job server's, `gcs` the one that nodes and drivers join."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        # Short: the paths of sockets below it may have 107 characters.
        self.directory = Path(tempfile.mkdtemp(prefix="rx-"))
        #: Who joins or submits must show the same token.
        self.token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
        self.environment = {
            **os.environ,
            **self.token,
            "PATH": f"{_BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            **(environment or {}),
        }
        self.port, self.dashboard_port = free_port(), free_port()
        self.gcs = f"127.0.0.1:{self.port}"
        self.address = f"http://127.0.0.1:{self.dashboard_port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start_head(self, cpus: int = 2) -> None:
        """Start the head with its job server and wait until that answers."""
        self._start(
            "--head",
            f"--port={self.port}",
            "--include-dashboard=true",
            f"--dashboard-port={self.dashboard_port}",
            f"--ray-client-server-port={free_port()}",
            f"--temp-dir={self.directory}",
            f"--num-cpus={cpus}",
        )
        _wait_for_port(self.dashboard_port)

    def start_node(self, cpus: int = 1) -> None:
        """Start a node that joins the head."""
        # Nodes that share a directory would take an unpacked job from under each other.
        own = self.directory / f"node-{len(self.processes)}"
        self._start(f"--address={self.gcs}", f"--num-cpus={cpus}", f"--temp-dir={own}")

    def _start(self, *arguments: str) -> None:
        common = ("--node-ip-address=127.0.0.1", f"--dashboard-agent-listen-port={free_port()}", "--block")
        command = [str(_BIN / "ray"), "start", *arguments, *common]
        log = (self.directory.parent / f"{self.directory.name}.log").open("ab")
        with log:
            self.processes.append(
                subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, cwd=self.directory)
            )

    def stop(self) -> None:
        """End every process that was started here."""
        for process in reversed(self.processes):
            with contextlib.suppress(psutil.NoSuchProcess):
                below = psutil.Process(process.pid).children(recursive=True)
                process.terminate()
                _, alive = psutil.wait_procs(below, timeout=10)
                for child in alive:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory.parent / f"{self.directory.name}.log").unlink(missing_ok=True)


@contextlib.contextmanager
def loopback_cluster(cpus: int = 2, environment: dict[str, str] | None = None) -> Iterator[LoopbackCluster]:
    """A cluster of one head, ended at the end."""
    cluster = LoopbackCluster(environment)
    try:
        cluster.start_head(cpus)
        yield cluster
    finally:
        cluster.stop()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _wait_for_port(port: int, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.2)
    raise TimeoutError(f"nothing answers at port {port} after {seconds:.0f} s")
