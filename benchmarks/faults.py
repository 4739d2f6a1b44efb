"""A fit that is killed at random moments ends with the same bits as one that is not, for 1, 2 and 3 workers.

    python benchmarks/faults.py [--kills 10] [--seed 0]

A small job (that of the tests) is fitted by real processes on real Ray. The coordinator is killed (SIGKILL) at a random
moment of a fresh fit and the run resumed, `--kills` times; then a worker's process at a random moment, as often. A
moment is a random number of steps in the run's log and up to 50 ms more, so that the moments fill the fit evenly,
however busy the machine is. Parameters, losses, history and traces are compared byte by byte.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _bar import tell

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "workflows" / "fits"))
from tiny import contents, write_tiny  # noqa: E402

from rallax.fitting.executors.ray_worker import RayWorker  # noqa: E402

RALLAX = [sys.executable, "-m", "rallax.workflows.cli"]
#: Enough steps that the fit itself, not the start of its processes, takes most of the kills.
STEPS = ["--set", "fit.steps=400"]
#: How the title of a worker's process begins.
WORKER = f"ray::{RayWorker.__name__}".encode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder / "xla")
        job = write_tiny(folder / "job")
        run(job, folder / "reference")
        n_steps = steps_done(folder / "reference")
        reference = contents(folder / "reference")
        for workers in (1, 3):
            directory = folder / f"workers-{workers}"
            run(job, directory, "--set", f"compute.workers={workers}")
            same = contents(directory) == reference
            tell(f"A6 {workers} workers against 2", "same bits" if same else "other bits", "same bits", same)
        for what, disturb in (("coordinator", kill_coordinator), ("worker", kill_worker)):
            same, moments = 0, []
            for i in range(arguments.kills):
                directory = folder / f"{what}-{i}"
                moments.append(disturb(job, directory, rng.randrange(n_steps), rng.uniform(0.0, 0.05)))
                same += contents(directory) == reference
            figure = f"{same} of {arguments.kills} with the same bits"
            tell(f"A6 kill -9 of the {what}", figure, "all", same == arguments.kills)
            print(f"  killed at, of {n_steps} steps: " + ", ".join(moments))
    return 0


def run(job: Path, directory: Path, *options: str) -> None:
    command = [*RALLAX, "run", str(job), "--run", str(directory), *STEPS, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def started(job: Path, directory: Path) -> subprocess.Popen[bytes]:
    command = [*RALLAX, "run", str(job), "--run", str(directory), *STEPS]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def resume(job: Path, directory: Path) -> None:
    """Go on; where the kill came before the run was made, begin."""
    if not (directory / "run.zarr" / "zarr.json").is_file():
        run(job, directory)
        return
    subprocess.run([*RALLAX, "resume", str(directory)], check=True, stdout=subprocess.DEVNULL)


def steps_done(directory: Path) -> int:
    log = directory / "log.jsonl"
    return log.read_text().count('"kind": "step"') if log.is_file() else 0


def wait_for(process: subprocess.Popen[bytes], directory: Path, steps: int, more: float) -> bool:
    """Wait until the log of a run has this many steps, and `more` seconds; whether the process still runs then."""
    while process.poll() is None and steps_done(directory) < steps:
        time.sleep(0.005)
    time.sleep(more)
    return process.poll() is None


def kill_coordinator(job: Path, directory: Path, steps: int, more: float) -> str:
    with started(job, directory) as process:
        moment = "after the end"
        if wait_for(process, directory, steps, more):
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            moment = str(steps_done(directory))
    resume(job, directory)
    return moment


def kill_worker(job: Path, directory: Path, steps: int, more: float) -> str:
    with started(job, directory) as process:
        moment = "after the end"
        if wait_for(process, directory, steps, more):
            pid = next(iter(workers_of(process.pid)), None)
            if pid is not None:
                moment = str(steps_done(directory))
                os.kill(pid, signal.SIGKILL)
        assert process.wait() == 0, process.stderr.read().decode() if process.stderr else ""
    return moment


def workers_of(coordinator: int) -> list[int]:
    """The processes of Ray actors below a process that this program started."""
    parents, names = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            names[int(path.name)] = (path / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(path.name)] = int(fields[1])
    below, grown = {coordinator}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in below} - below
        below, grown = below | more, bool(more)
    return sorted(pid for pid in below if names[pid].startswith(WORKER))


if __name__ == "__main__":
    sys.exit(main())
