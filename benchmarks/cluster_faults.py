"""A fit on a cluster under random faults ends with the same bits as an undisturbed one, and not much later.

    python benchmarks/cluster_faults.py [--items 200] [--faults 20] [--seconds 5] [--seed 0]

One head and four worker nodes on this machine (`ray.cluster_utils`), four workers, a small real job whose items sleep.
`rallax run` is a process of its own; it is killed and `rallax resume` goes on. The faults, in random order at random
moments that the seed gives: a worker's process is killed (SIGKILL), a node is taken away without grace, a node joins,
the coordinator is killed, a worker is stopped for ten seconds. Parameters, losses, history and traces are compared byte
by byte. The wall time is compared without the time that workers were missing, from their end to the joining of those
in their place (detection and restart), and without compilation; both are printed. Only processes of the clusters and
coordinators that this program has started are touched, by their ids.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _bar import tell
from _cluster_time import Course, Fault, away, compiled, with_delays

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "workflows" / "fits"))
from tiny import contents, write_tiny  # noqa: E402

RALLAX = [sys.executable, "-m", "rallax.workflows.cli"]
WORKERS = NODES = 4
STARTS = 8
KINDS = ("worker killed", "node removed", "node joined", "coordinator killed", "worker frozen")
FROZEN_SECONDS = 10.0
#: Items between two faults: one that is hit twice in a row would be taken for a start that kills workers.
APART = WORKERS + 2


@dataclass
class Nodes:
    """A cluster, and its worker nodes that are up, oldest first."""

    cluster: Any
    up: list[Any] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path) -> Nodes:
        from ray.cluster_utils import Cluster

        # Ray's sockets have long names below this folder, which the system limits to 107 characters.
        head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": str(folder)}
        found = cls(Cluster(initialize_head=True, head_node_args=head))
        for _ in range(NODES):
            found.join()
        return found

    def join(self) -> None:
        # Room for two workers each, so that the others can take over those of a node that goes.
        self.up.append(self.cluster.add_node(num_cpus=2, object_store_memory=80 * 2**20))

    def remove(self, rng: random.Random, holding: set[str]) -> str:
        """Take away one of those that hold workers, where there is one; its name."""
        node = rng.choice([n for n in self.up if n.node_id in holding] or self.up)
        self.up.remove(node)
        name = str(node.node_id)
        self.cluster.remove_node(node, allow_graceful=False)
        return name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    # JAX warns of every fork; those of Ray and of this program are followed by exec at once.
    warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A busy machine takes long to start five nodes.
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")
    os.environ["RALLAX_BENCH_SECONDS"] = str(arguments.seconds)
    path = [str(ROOT / ".types"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    with tempfile.TemporaryDirectory(prefix="rx", dir="/tmp") as scratch:
        folder = Path(scratch)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder / "xla")
        job = write_job(folder / "job", arguments.items)
        calm = fit(job, folder / "calm", folder, [], arguments)
        items = len(calm.items)
        faults = plan(items, arguments.faults, arguments.seed)
        print(f"seed {arguments.seed}, {items} items: " + ", ".join(f"{k} at {at}" for at, k in faults), flush=True)
        rough = fit(job, folder / "rough", folder, faults, arguments)
        same = contents(folder / "rough") == contents(folder / "calm")
    for name, course in (("undisturbed", calm), ("disturbed", rough)):
        print(
            f"{name:12} {course.wall:7.1f} s in all, {len(course.items)} items computed; "
            f"workers missing (start, detection, restart) {away(course, WORKERS):.1f} s, "
            f"compilation {compiled(course, arguments.seconds, WORKERS):.1f} s, both by the number of workers"
        )
    for fault in with_delays(rough):
        print(f"  {fault.told()}")
    least = min(item["end"] - item["begin"] for item in rough.items)
    ratio = _net(rough, arguments.seconds) / _net(calm, arguments.seconds)
    tell(
        "D1 faults survived",
        f"{len(rough.faults)} of {len(faults)} in {items} items",
        "all",
        len(rough.faults) == len(faults),
    )
    tell("D1 end after them", "same bits" if same else "other bits", "same bits", same)
    tell("D1 shortest item", f"{least:.2f} s", f">= {arguments.seconds:g} s", least >= arguments.seconds)
    tell("D1 wall time, restarts apart", f"{ratio:.2f} of the undisturbed", "<= 1.5", ratio <= 1.5)
    return int(not same)


def _net(course: Course, seconds: float) -> float:
    return course.wall - away(course, WORKERS) - compiled(course, seconds, WORKERS)


def write_job(folder: Path, items: int) -> Path:
    """The small job of the tests with one start and one sweep to an item, and as many steps as make so many items."""
    job = write_tiny(folder)
    (folder / "slow.py").write_bytes(Path(__file__).with_name("_slow_loss.py").read_bytes())
    # Three sweeps: 24 items each for candidates, last and best parameters, and traces; one for each start and training
    # sweep of a step, and of each fifth step for the validation sweep.
    steps = max(1, round((items - 96) / (STARTS * 2.2)))
    text = job.read_text()
    for old, new in (
        ("starts = 4", f"starts = {STARTS}"),
        ("steps = 6", f"steps = {steps}"),
        ('terms = [{ kind = "mse", scale_mV = 5.0 }]', 'terms = [{ kind = "slow.py:mean_square" }]'),
        ("v_init = -70.0", "v_init = -70.0\nlanes = 1"),
        ("workers = 2", f"workers = {WORKERS}"),
        ("checkpoint_every_steps = 2", "checkpoint_every_steps = 1"),
    ):
        assert old in text, old
        text = text.replace(old, new, 1)
    job.write_text(text)
    return job


def plan(items: int, count: int, seed: int) -> list[tuple[int, str]]:
    """(number of items done, what happens then); no more nodes go than leaves room for all workers."""
    rng = random.Random(seed)
    kinds = [KINDS[i % len(KINDS)] for i in range(count)]
    rng.shuffle(kinds)
    nodes = NODES
    for i, kind in enumerate(kinds):
        if kind == "node removed" and nodes == 2:
            later = next((k for k in range(i + 1, count) if kinds[k] == "node joined"), None)
            if later is None:
                kinds[i] = "node joined"
            else:
                kinds[i], kinds[later] = kinds[later], kinds[i]
        nodes += {"node removed": -1, "node joined": 1}.get(kinds[i], 0)
    room = max(1, items - 2 * WORKERS - APART * count)
    moments = sorted(rng.randrange(room) for _ in kinds)
    return [(WORKERS + moment + APART * i, kind) for i, (moment, kind) in enumerate(zip(moments, kinds, strict=True))]


def fit(
    job: Path, directory: Path, folder: Path, faults: list[tuple[int, str]], arguments: argparse.Namespace
) -> Course:
    """One fit on a cluster of its own, with these faults."""
    notes = folder / f"{directory.name}.jsonl"
    notes.touch()
    os.environ["RALLAX_BENCH_NOTES"] = str(notes)
    # The nodes take these variables over, and their workers from them.
    ray_folder = folder / directory.name[0]
    nodes = Nodes.start(ray_folder)
    rng = random.Random(arguments.seed + 1)
    coordinator = None
    happened: list[Fault] = []
    thaw: list[tuple[float, int]] = []
    begin = time.time()
    try:
        address = nodes.cluster.address
        coordinator = _process(["run", str(job), "--run", str(directory), "--address", address])
        waiting = list(faults)
        while coordinator.poll() is None:
            time.sleep(0.1)
            for at, pid in [t for t in thaw if time.time() >= t[0]]:
                thaw.remove((at, pid))
                _signal(pid, signal.SIGCONT)
            if not waiting or _done(notes) < waiting[0][0] or not _settled(directory):
                continue
            _, kind = waiting.pop(0)
            lost: tuple[int, ...] = ()
            moment = time.time()
            if kind == "coordinator killed":
                coordinator.kill()
                coordinator.wait()
                coordinator = _process(["resume", str(directory), "--address", address])
            elif kind == "node joined":
                nodes.join()
            elif kind == "node removed":
                lost = _remove(nodes, notes, rng)
            else:
                pid = rng.choice(sorted(_workers(notes)))
                _signal(pid, signal.SIGKILL if kind == "worker killed" else signal.SIGSTOP)
                if kind == "worker killed":
                    lost = (pid,)
                else:
                    thaw.append((moment + FROZEN_SECONDS, pid))
            happened.append(Fault(kind, moment, _done(notes), lost))
        if coordinator.returncode != 0:
            raise SystemExit(f"the coordinator ended with {coordinator.returncode}: {_last_words(coordinator)}")
        wall = time.time() - begin
    finally:
        for _, pid in thaw:
            _signal(pid, signal.SIGCONT)
        if coordinator is not None and coordinator.poll() is None:
            coordinator.kill()
            coordinator.wait()
        nodes.cluster.shutdown()
    log = [json.loads(line) for line in (directory / "log.jsonl").read_text().splitlines()]
    items = [json.loads(line) for line in notes.read_text().splitlines()]
    return Course(begin, wall, items, log, happened)


def _process(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*RALLAX, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _last_words(process: subprocess.Popen[bytes]) -> str:
    return process.stderr.read().decode(errors="replace")[-1000:] if process.stderr else ""


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it went with its node


def _done(notes: Path) -> int:
    return notes.read_bytes().count(b"\n")


def _settled(directory: Path) -> bool:
    """Whether the coordinator that runs now has a worker: so that each fault meets a fit at work."""
    kinds = [json.loads(line)["kind"] for line in (directory / "log.jsonl").read_text().splitlines() if line]
    begun = max((i for i, kind in enumerate(kinds) if kind in ("started", "resumed")), default=len(kinds))
    return "worker joined" in kinds[begun:]


def _workers(notes: Path) -> dict[int, str]:
    """Process -> node of the workers that have computed something and still run."""
    found = {}
    for line in notes.read_text().splitlines():
        note = json.loads(line)
        try:
            state = Path(f"/proc/{note['pid']}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "ZT":
            found[note["pid"]] = note["node"]
    return found


def _remove(nodes: Nodes, notes: Path, rng: random.Random) -> tuple[int, ...]:
    """Take a node away; the workers that went with it."""
    before = _workers(notes)
    gone = nodes.remove(rng, set(before.values()))
    return tuple(pid for pid, node in before.items() if node == gone)


if __name__ == "__main__":
    sys.exit(main())
