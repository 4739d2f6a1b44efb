"""The coordinator in virtual time: 1,000 fake workers, a week of faults, every invariant looked at at every event.

    python benchmarks/coordinator_simulation.py [--seeds 100] [--first 0] [--quick]

What goes wrong is in tests/fitting/week.py, what is checked in tests/fitting/audit.py. The toy problem of the tests is
fitted from 2,000 starts in 1,000 blocks, each seed with other faults; four starts fail always, each in its own way.
Seeds are shared by two processes. Times are the processor's, so that they say the same on a busy machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from _bar import tell

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "fitting"))

SEEDS, EVENTS, SECONDS, MS_AN_ITEM = 100, 50_000, 10.0, 0.2
POISONED = ((3, 1), (500, 0), (77, 0), (900, 1))
QUICK = ((3, 1), (11, 0))
_reference: Any = None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--quick", action="store_true", help="two seeds of 64 workers")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + (2 if arguments.quick else arguments.seeds))
    context = multiprocessing.get_context("spawn")
    rows = []
    with ProcessPoolExecutor(2, context, _prepare, (arguments.quick,)) as pool:
        for future in as_completed([pool.submit(_week, seed, arguments.quick) for seed in seeds]):
            rows.append(future.result())
            if rows[-1]["violation"]:
                print(f"seed {rows[-1]['seed']}: {rows[-1]['violation']}", flush=True)
    good = [row for row in rows if not row["violation"]]
    tell(
        f"D3 violated invariants over {len(rows)} seeds",
        f"{len(rows) - len(good)}",
        "0 over >= 100 seeds",
        len(good) == len(rows) >= SEEDS,
    )
    if not good:
        return 1
    events, seconds = min(row["events"] for row in good), max(row["seconds"] for row in good)
    tell("D3 events of a seed, 1,000 workers: least", f"{events}", f">= {EVENTS}", events >= EVENTS)
    tell("D3 a seed, processor's seconds: most", f"{seconds:.1f}", f"<= {SECONDS:.0f}", seconds <= SECONDS)
    cost = max(row["ms_an_item"] for row in good)
    tell("D3 coordinator, ms of the processor an item: most", f"{cost:.3f}", f"<= {MS_AN_ITEM}", cost <= MS_AN_ITEM)
    total: dict[str, int] = {}
    for row in good:
        for what, n in row["faults"].items():
            total[what] = total.get(what, 0) + n
    print(f"weeks simulated by a seed: {min(row['weeks'] for row in good):.2f} or more; in all seeds together:")
    print("  " + ", ".join(f"{n} {what}" for what, n in sorted(total.items())))
    return 0


def _prepare(quick: bool) -> None:
    """The undisturbed run, once in each process."""
    global _reference
    from audit import reference_for

    if quick:
        _reference = reference_for(blocks=40, steps=4, poisoned=QUICK)
    else:
        _reference = reference_for(blocks=1000, steps=7, poisoned=POISONED)


def _week(seed: int, quick: bool) -> dict[str, Any]:
    """One seed."""
    from fitting_toy import bits, differing
    from week import WEEK, Week

    begun = time.process_time()
    week = Week(_reference, seed, workers=64 if quick else 1000, item_hours=2.5, restarts=2)
    violation = ""
    try:
        other = differing(bits(week.run(), week.store), _reference.bits)
        if other:
            violation = f"other bits in {other}"
    except AssertionError as error:
        violation = f"{error} after {week.audit.events} events"
    except Exception:
        violation = traceback.format_exc()
    return {
        "seed": seed,
        "violation": violation,
        "events": week.audit.events,
        "weeks": week.now / WEEK,
        "seconds": time.process_time() - begun,
        "ms_an_item": 1e3 * week.audit.seconds / max(1, week.audit.items),
        "faults": week.faults,
    }


if __name__ == "__main__":
    sys.exit(main())
