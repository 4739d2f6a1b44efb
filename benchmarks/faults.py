"""A fit that is killed at random moments ends with the same bits as one that is not, for 1, 2 and 3 workers.

    python benchmarks/faults.py [--kills 10] [--seed 0]

A small job (that of the tests) is fitted by real processes on real Ray. The coordinator is killed (SIGKILL) at a random
moment of a fresh fit and the run resumed, `--kills` times; then a worker's process at a random moment, as often.
Parameters, losses, history and traces are compared byte by byte.
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

RALLAX = [sys.executable, "-m", "rallax.workflows.cli"]
#: Enough steps that the fit itself, not the start of its processes, takes most of the kills.
STEPS = ["--set", "fit.steps=400"]


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
        begun = time.monotonic()
        run(job, folder / "reference")
        seconds = time.monotonic() - begun
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
                moment = rng.uniform(0.3, 1.0) * seconds
                moments.append(disturb(job, directory, moment))
                same += contents(directory) == reference
            figure = f"{same} of {arguments.kills} with the same bits"
            tell(f"A6 kill -9 of the {what}", figure, "all", same == arguments.kills)
            print("  killed at: " + ", ".join(moments))
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


def state(directory: Path) -> str:
    log = directory / "log.jsonl"
    lines = log.read_text().count('"kind": "step"') if log.is_file() else 0
    return f"block step {lines}"


def kill_coordinator(job: Path, directory: Path, after: float) -> str:
    with started(job, directory) as process:
        try:
            process.wait(after)
            moment = "after the end"
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            moment = state(directory)
    resume(job, directory)
    return moment


def kill_worker(job: Path, directory: Path, after: float) -> str:
    with started(job, directory) as process:
        end = time.monotonic() + after
        pid = None
        while process.poll() is None and (time.monotonic() < end or pid is None):
            time.sleep(0.05)
            pid = next(iter(workers_of(process.pid)), None)
        moment = state(directory) if pid is not None else "after the end"
        if pid is not None:
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
    return sorted(pid for pid in below if names[pid].startswith(b"ray::_Actor"))


if __name__ == "__main__":
    sys.exit(main())
