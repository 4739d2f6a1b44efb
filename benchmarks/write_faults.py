"""A fault at every single write of a fit, one by one, on the local disk and on an S3 server: nothing is lost.

    python benchmarks/write_faults.py [--every N] [--store local|s3] [--how die|refuse]... [--ray 10] [--exits 5]

A small real fit (the job of the tests, two starts, two steps, a checkpoint at each, one kept) runs once undisturbed,
and its writes are counted: those of its creation, of commits, of deletions, of history, log, traces and report. Then,
for each of them, a fresh fit stops there ("dies": the write is torn, nothing is written afterwards), and another one is
refused there (a full disk, an error of the store that stays). What is stored then must be a state that the undisturbed
fit had; and after `resume`, or another `run` where the run had not come into being, parameters, losses, history and
traces must have the same bytes. The simulator is compiled once, in this process, and answers the same question once.
`--exits` processes really end in the middle of a write; `--ray` fits have real Ray workers and die at random writes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _bar import tell

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "workflows" / "fits"), str(ROOT / "tests" / "storage")]
from faulty_store import TORN, FaultyStore, Killed  # noqa: E402
from s3_server import BUCKET, empty, s3_server  # noqa: E402
from tiny import contents, write_tiny  # noqa: E402

from rallax.fitting import InProcessExecutor, build  # noqa: E402
from rallax.storage import LocalStore, NotARun, RemoteStore, RunStore, StorageError, Store  # noqa: E402
from rallax.storage.create import as_store  # noqa: E402
from rallax.workflows import Job, fit, load_job, new_run, resume  # noqa: E402

#: What happens at a write.
HOW = {"die": "die before", "refuse": "refuse"}
#: The writes of the report and what follows it are among so many last ones.
LAST = 12
SETTINGS = [
    "fit.candidates=4",
    "fit.starts=2",
    "fit.steps=2",
    "storage.checkpoint_every_steps=1",
    "storage.keep=1",
    "compute.workers=2",
]


class Sweep:
    """Faults in the fits of one job on one kind of store.

    Args:
        make_executor: None for real Ray workers.
    """

    def __init__(self, job: Job, make_executor: Any, new_store: Callable[[], Store]) -> None:
        self._job, self._make_executor, self._new_store = job, make_executor, new_store
        whole = FaultyStore(new_store())
        self._run(whole)
        self.writes = len(whole.writes)
        self.kinds = Counter(kind_of(name) for name in whole.writes)
        self._reference = contents_of(whole.inner)
        # The same fit with every checkpoint kept: the states that may be found after a fault.
        kept = new_store()
        everything = load_job(job.source, [*SETTINGS, "storage.keep=99"])
        fit(everything, kept, make_executor=make_executor, report=False)
        run = RunStore.open(kept)
        self._states = {commit.label.seq: flat(run.checkpoint(commit.label.seq).tree) for commit in run.commits()}
        self.lost = self.different = self.half = self.points = 0

    def _run(self, store: Store, report: bool = True) -> None:
        fit(self._job, store, make_executor=self._make_executor, report=report)

    def fault(self, at: int, how: str) -> None:
        """One fault and what comes of it."""
        inner = self._new_store()
        with contextlib.suppress(Killed, StorageError):
            # The report is the last that is written; it is drawn only where the fault comes that late.
            self._run(FaultyStore(inner, at, how), report=at >= self.writes - LAST)
        self.recover(inner)

    def recover(self, inner: Store) -> None:
        self.points += 1
        try:
            run = RunStore.open(inner)
            latest = run.latest(strict=True)
            if latest is not None and flat(latest.tree) != self._states.get(latest.seq):
                self.half += 1
            resume(inner, make_executor=self._make_executor, report=False)
        except NotARun:
            self._run(inner, report=False)
        except StorageError as error:
            print(f"  lost: {error}", flush=True)
            self.lost += 1
            return
        self.different += contents_of(inner) != self._reference or RunStore.open(inner).verify() != []

    def tell(self, bar: str) -> None:
        figure = f"{self.points} faults: {self.lost} runs lost, {self.different} differ, {self.half} half states taken"
        tell(bar, figure, "0, 0, 0", not (self.lost or self.different or self.half))


def once_for(key_of: Callable[[Any], str], function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that remembers what it found for a key."""
    found: dict[str, Any] = {}

    def remembering(argument: Any) -> Any:
        key = key_of(argument)
        if key not in found:
            found[key] = function(argument)
        return found[key]

    return remembering


def kind_of(write: str) -> str:
    """In what part of a run a write falls, for the printed count."""
    verb, _, key = write.partition(" ")
    part = key.removeprefix("run.zarr/").split("/")[0] or verb
    return verb if verb != "put" else "root index" if part == "zarr.json" else part


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, bytes]:
    """A tree as bytes, for comparison."""
    found: dict[str, bytes] = {}
    for name, leaf in tree.items():
        inner = flat(leaf, f"{prefix}{name}/") if isinstance(leaf, dict) else {}
        is_array = hasattr(leaf, "tobytes")
        found |= inner or {f"{prefix}{name}": leaf.tobytes() if is_array else repr(leaf).encode()}
    return found


def contents_of(store: Store) -> dict[str, bytes]:
    return contents(store.location)


def local_store(folder: Path) -> Store:
    return LocalStore(folder / uuid.uuid4().hex)


def s3_store(endpoint: str) -> Store:
    """A place in an empty bucket: moto's server looks through all keys that there are for each listing."""
    empty(endpoint)
    return RemoteStore(f"s3://{BUCKET}/{uuid.uuid4().hex}/run")


class Remembering:
    """A problem that computes what it is asked once: its answers are a function of the question alone."""

    def __init__(self, problem: Any) -> None:
        self._problem, self._answers = problem, {}
        self.space, self.groups = problem.space, problem.groups

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def answer(group: int, *arrays: Any) -> Any:
            key = (name, group, *(np.asarray(a).tobytes() for a in arrays))
            if key not in self._answers:
                self._answers[key] = getattr(self._problem, name)(group, *arrays)
            return self._answers[key]

        return answer


def in_process() -> Callable[[Any], InProcessExecutor]:
    """Workers in this process; the problem is compiled once."""
    built: dict[str, Any] = {}

    def make(recipe: Any) -> InProcessExecutor:
        key = str(recipe.config["resolved"]).partition('"storage"')[0]
        if key not in built:
            built[key] = Remembering(build(recipe))
        return InProcessExecutor(built[key])

    return make


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="try only every so many writes")
    parser.add_argument("--store", choices=["local", "s3"], help="only this one")
    parser.add_argument("--how", choices=list(HOW), action="append", help="only this fault (default: both)")
    parser.add_argument("--ray", type=int, default=10, help="random writes with real Ray workers")
    parser.add_argument("--exits", type=int, default=5, help="random writes at which a process really ends")
    parser.add_argument("--child", nargs=3, metavar=("JOB", "PLACE", "AT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        job, place, at = arguments.child
        fit(load_job(job, SETTINGS), FaultyStore(as_store(place), int(at), "exit"), make_executor=in_process())
        return 0
    checked = new_run.check_job
    # Checking the same job again for each of a thousand fits would be most of the time.
    new_run.check_job = once_for(lambda job: str(job.storage), checked)
    with ExitStack() as stack:
        # In memory where there is such a place: what is torn is the same, and syncing does not count here.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory)))
        job_file = write_tiny(folder / "job")
        job = load_job(job_file, SETTINGS)
        stores: dict[str, Callable[[], Store]] = {}
        if arguments.store != "s3":
            stores["local"] = partial(local_store, folder)
        if arguments.store != "local":
            stores["s3"] = partial(s3_store, stack.enter_context(s3_server()))
        executor = in_process()
        for name, new_store in stores.items():
            sweep = Sweep(job, executor, new_store)
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(sweep.kinds.items()))
            print(f"{name}: {sweep.writes} writes ({told})", flush=True)
            for how in arguments.how or HOW:
                begun, sweep.points = time.monotonic(), 0
                for at in range(0, sweep.writes, arguments.every):
                    sweep.fault(at, HOW[how])
                sweep.tell(f"D2 {name}, every {arguments.every} of {sweep.writes} writes: {how}")
                print(f"  {time.monotonic() - begun:.0f} s", flush=True)
            if arguments.exits:
                sweep.points = 0
                for at in random.Random(0).sample(range(sweep.writes), arguments.exits):
                    exit_in_a_child(sweep, job_file, new_store(), at)
                sweep.tell(f"D2 {name}, random writes, the process ends")
            if arguments.ray:
                with_ray(job, name, new_store, arguments.ray)
    return 0


def exit_in_a_child(sweep: Sweep, job_file: Path, store: Store, at: int) -> None:
    command = [sys.executable, __file__, "--child", str(job_file), store.location, str(at)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode != TORN:
        raise RuntimeError(f"the child ended with {ended.returncode}: {ended.stderr[-500:]}")
    sweep.recover(store)


def with_ray(job: Job, name: str, new_store: Callable[[], Store], count: int) -> None:
    from rallax.workflows.cluster import connected

    with connected(job):
        sweep = Sweep(job, None, new_store)
        for at in random.Random(1).sample(range(sweep.writes), count):
            sweep.fault(at, "die before")
        sweep.tell(f"D2 {name}, random writes, real Ray workers")


if __name__ == "__main__":
    sys.exit(main())
