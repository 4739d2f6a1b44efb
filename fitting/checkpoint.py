"""Blocks to and from the tree that a checkpoint stores: nested dicts of numpy arrays and scalars, exact.

Arrays run over the fit's starts, not over blocks, so that the tree reads without knowing the division into blocks.
Storing it is not our business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .blocks import Best, Block
from .update import StartState, Updater

FORMAT = 1


def blocks_to_tree(blocks: Sequence[Block]) -> dict[str, Any]:
    """The state of all blocks; leading axis starts. Empty trees (an optimiser without state) are left out."""

    lanes = len(blocks[0].present)
    held = np.concatenate([np.arange(lanes) < len(block.starts) for block in blocks])

    def rows(read: Any) -> np.ndarray:
        return np.concatenate([read(block) for block in blocks])[held]

    tree: dict[str, Any] = {
        "starts": {
            "present": rows(lambda b: b.present),
            "step": rows(lambda b: np.full(len(b.present), b.step)),
            "stage": rows(lambda b: np.full(len(b.present), b.stage)),
            "u": rows(lambda b: b.state.u),
            "updates": rows(lambda b: b.state.updates),
            "good_u": rows(lambda b: b.state.good_u),
            "good_updates": rows(lambda b: b.state.good_updates),
            "halvings": rows(lambda b: b.state.halvings),
            "quarantined": rows(lambda b: b.quarantined),
            "last_losses": rows(lambda b: b.last_losses),
            "best_losses": rows(lambda b: b.best_losses),
        }
    }
    n_leaves = len(blocks[0].state.optimizer)
    if n_leaves:
        for name, field in (("optimizer", "optimizer"), ("good_optimizer", "good_optimizer")):
            tree[name] = {f"{i:02d}": rows(lambda b, f=field, i=i: getattr(b.state, f)[i]) for i in range(n_leaves)}
    for name in ("best", "best_of_steps"):
        tree[name] = {f: rows(lambda b, n=name, f=f: getattr(getattr(b, n), f)) for f in Best._fields}
    return tree


def blocks_from_tree(
    tree: Mapping[str, Any], divisions: Sequence[Sequence[int]], lanes: int, updater: Updater
) -> list[Block]:
    """The blocks as they were; ``divisions`` are the starts of each block, ``lanes`` the fixed lane width.

    Raises:
        ValueError: the tree is not of this fit (other numbers of starts, parameters or optimiser arrays).
    """
    starts = tree["starts"]
    n_starts, n_parameters = starts["u"].shape
    if n_starts != sum(map(len, divisions)):
        raise ValueError(f"the checkpoint has {n_starts} starts, the job {sum(map(len, divisions))}")
    optimizer, good = tree.get("optimizer", {}), tree.get("good_optimizer", {})
    if len(optimizer) != updater.n_leaves:
        raise ValueError(
            f"the checkpoint's optimiser state has {len(optimizer)} arrays, the job's optimiser {updater.n_leaves}"
        )
    n_sweeps = starts["last_losses"].shape[1]
    blocks = []
    for index, own in enumerate(divisions):
        rows = list(own)
        fresh = updater.init(np.zeros((lanes, n_parameters)))

        def fill(padding: Any, stored: Any, rows: list[int] = rows) -> np.ndarray:
            out = np.array(padding)
            if out.dtype != np.asarray(stored).dtype or out.shape[1:] != np.shape(stored)[1:]:
                raise ValueError("the checkpoint's arrays are of other types or shapes than the job's")
            out[: len(rows)] = np.asarray(stored)[rows]
            return out

        state = StartState(
            u=fill(fresh.u, starts["u"]),
            optimizer=tuple(fill(p, optimizer[f"{i:02d}"]) for i, p in enumerate(fresh.optimizer)),
            updates=fill(fresh.updates, starts["updates"]),
            good_u=fill(fresh.good_u, starts["good_u"]),
            good_optimizer=tuple(fill(p, good[f"{i:02d}"]) for i, p in enumerate(fresh.good_optimizer)),
            good_updates=fill(fresh.good_updates, starts["good_updates"]),
            halvings=fill(fresh.halvings, starts["halvings"]),
        )
        absent = np.zeros(lanes, bool)
        block = Block(index, own, state, fill(absent, starts["present"]), np.full(lanes, np.inf), n_sweeps)
        block.step = int(starts["step"][rows[0]])
        block.stage = int(starts["stage"][rows[0]])
        block.quarantined = fill(absent, starts["quarantined"])
        block.last_losses = fill(block.last_losses, starts["last_losses"])
        block.best_losses = fill(block.best_losses, starts["best_losses"])
        initial = block.best
        block.best = Best(*(fill(getattr(initial, f), tree["best"][f]) for f in Best._fields))
        block.best_of_steps = Best(*(fill(getattr(initial, f), tree["best_of_steps"][f]) for f in Best._fields))
        blocks.append(block)
    return blocks
