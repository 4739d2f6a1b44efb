"""A contestant of end_to_end.py: the layer-5 fit from reading the cell to the last step, in one precision."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    call = json.loads(sys.argv[1])
    begun = time.perf_counter()
    if call["contestant"] == "rallax":
        import rallax.sim as rx
    import jax

    # Jaxley runs in JAX's own precision; rallax is told its precision, so that the optimiser's arithmetic is float64.
    jax.config.update("jax_enable_x64", call["contestant"] == "rallax" or call["dtype"] == "float64")
    path, n_starts, steps = Path(call["morphology"]), call["seeds"], call["steps"]
    if call["contestant"] == "rallax":
        import _l5pc as problem
        import _l5pc_rallax as contestant

        cell, table = contestant.build(path)
        run = rx.batched(cell, problem.DELTA_T, lane_width=call["lanes"], dtype=call["dtype"])
        theta = problem.starts(n_starts)
        if not Path(call["target"]).is_file():
            _write_target(call["target"], cell, run, table)
        with np.load(call["target"]) as stored:
            target = jax.numpy.asarray(stored["target"], call["dtype"])
        found = contestant.descend(cell, run, target, theta, steps)
        losses, each = found.losses, found.seconds[1:, 1] / n_starts
    else:
        import _l5pc_jaxley as contestant

        with np.load(call["target"]) as stored:
            table = {key.removeprefix("table_"): stored[key] for key in stored if key.startswith("table_")}
            target = stored["target"]
        told = contestant.compete(path, n_starts, steps, table=table, target=target)
        losses, each = told["losses"], told["step_seconds"][:, 1]
    row = {
        "contestant": call["contestant"],
        "dtype": call["dtype"],
        "seeds": n_starts,
        "steps": steps,
        "losses": losses.tolist(),
        "seconds": time.process_time(),
        # Of one seed; the first also compiles.
        "step_seconds": float(np.median(each)) if len(each) else 0.0,
        "clock": time.perf_counter() - begun,
    }
    Path(call["out"]).write_text(json.dumps(row))


def _write_target(file: str, cell: Any, run: Any, table: dict[str, np.ndarray]) -> None:
    """What the cell's true parameters give, and the table that Jaxley runs on."""
    import _l5pc as problem
    import jax.numpy as jnp
    from _l5pc_rallax import tree

    trace = np.asarray(run(tree(cell, problem.TRUTH[None])))[0, 0]
    stored = {f"table_{key}": value for key, value in table.items()}
    np.savez(file, target=np.asarray(problem.statistics(jnp.asarray(trace))), **stored)


if __name__ == "__main__":
    main()
