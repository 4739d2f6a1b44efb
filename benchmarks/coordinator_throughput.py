"""How many items a second pass through coordinator and Ray, and whether memory stays flat over many of them.

    python benchmarks/coordinator_throughput.py [--items 6000] [--rounds 100000] [--quick]

First real Ray: two workers whose items do nothing but sleep for 5 ms, two items in flight each; the rate is that of the
answers between the first and the last 5 % of a fit (its workers are up by then). Two workers that did nothing else
would do 400 items a second. Then the coordinator by itself over many rounds, with workers in this process: the memory
of the process (resident, after a collection of garbage) after a tenth of the rounds and at the end.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from pathlib import Path
from typing import Any

from _bar import tell

TOY = Path(__file__).resolve().parents[1] / "tests" / "fitting"
sys.path.insert(0, str(TOY))
# Before Ray is imported: it sends nothing home.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from fitting_toy import GROUPS, SPACE, Toy, config  # noqa: E402

from rallax.fitting import Coordinator, DispatchPolicy, InProcessExecutor, Recipe, worker_environment  # noqa: E402
from rallax.fitting.driver import fit_loop  # noqa: E402
from rallax.fitting.events import Answered, Event  # noqa: E402

#: Items a second of two workers; most that the memory may grow, as a part and in MiB.
RATE, GROWTH, GROWTH_MIB = 300.0, 0.02, 2.0
#: Items of one step of one block of the toy: two of the long group, one of the short.
ITEMS_A_STEP = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=6000, help="items through real Ray")
    parser.add_argument("--rounds", type=int, default=100_000, help="rounds of the coordinator by itself")
    parser.add_argument("--quick", action="store_true", help="600 items, 3000 rounds")
    arguments = parser.parse_args()
    items, rounds = (600, 3000) if arguments.quick else (arguments.items, arguments.rounds)
    through_ray(items)
    by_itself(rounds)
    return 0


def through_ray(items: int) -> None:
    """Print the rate, and the memory of this process, of `items` items through two Ray actors."""
    import ray

    from rallax.fitting.executors.ray_actors import RayExecutor

    blocks = 10
    settings = config(
        candidates=2 * blocks, starts=2 * blocks, steps=-(-items // (ITEMS_A_STEP * blocks)), evaluate_every=10**6
    )
    ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    paths = [str(TOY), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = worker_environment(precision="float64") | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    executor = RayExecutor(Recipe("fitting_toy:build_toy", {"seconds": 0.005}), environment)
    times: list[float] = []
    memory: list[float] = []

    def count(event: Event) -> None:
        if isinstance(event, Answered):
            times.append(time.perf_counter())
            if len(times) in (items // 10, items):
                memory.append(resident_mib())

    used = time.process_time()
    _fit(Coordinator(settings, SPACE, GROUPS, DispatchPolicy(workers=2)), executor, count)
    used = time.process_time() - used
    executor.close()
    ray.shutdown()
    first, last = len(times) // 20, len(times) - len(times) // 20 - 1
    rate = (last - first) / (times[last] - times[first])
    bar = "D4 real Ray, 2 workers, items of 5 ms, two in flight: items/s"
    tell(bar, f"{rate:.0f}", f">= {RATE:.0f}", rate >= RATE)
    print(f"processor time of the coordinator's process: {1e3 * used / len(times):.2f} ms an item")
    print(f"its memory through Ray: {memory[0]:.1f} MiB after {items // 10} items, {memory[-1]:.1f} MiB after {items}")


def by_itself(rounds: int) -> None:
    """Print the memory of this process over `rounds` rounds with workers in this process."""
    blocks = 10
    settings = config(
        candidates=2 * blocks, starts=2 * blocks, steps=rounds // blocks, evaluate_every=10**9, sweeps_per_step=1
    )
    coordinator = Coordinator(settings, SPACE, GROUPS, DispatchPolicy(workers=4))
    memory: dict[int, float] = {}
    items = 0

    def watch(event: Event) -> None:
        nonlocal items
        items += isinstance(event, Answered)
        done = coordinator.slowest_step * blocks
        for mark in (rounds // 10, rounds - blocks):
            if done >= mark and mark not in memory:
                gc.collect()
                memory[mark] = resident_mib()

    spent = _fit(coordinator, InProcessExecutor(Toy()), watch)
    begin, end = memory[min(memory)], memory[max(memory)]
    grown = end - begin
    bar = f"D4 memory of the coordinator over {rounds} rounds ({items} items), MiB"
    limit = max(GROWTH_MIB, GROWTH * begin)
    tell(bar, f"{begin:.1f} after a tenth, {end:.1f} at the end", f"grown by <= {limit:.1f}", grown <= limit)
    print(f"{1e3 * spent / items:.3f} ms an item, the item's own computation included")


def _fit(coordinator: Coordinator, executor: Any, watch: Any) -> float:
    """Run a fit whose commits are thrown away; its seconds."""
    begun = time.perf_counter()
    fit_loop(coordinator, executor, commit=lambda snapshot: None, checkpoint_every=50, on_event=watch)
    return time.perf_counter() - begun


def resident_mib() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
