"""From a snapshot of the fit to the numbers that loggers are told. Owns their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rallax.fitting import Snapshot

from ..job import Job


def steps_of(snapshot: Snapshot, names: Sequence[str]) -> Iterator[tuple[int, dict[str, float]]]:
    """(step, numbers) of the rows that a snapshot adds to the history, in order, each once.

    Over the starts: best and median loss, median gradient norm and learning rate; losses on all training and validation
    sweeps where they were evaluated. With the last row go the parameters of the best start so far and its loss.
    """
    history = snapshot.history
    if history is None or not len(history["step"]):
        return
    last = len(history["step"]) - 1
    for row, step in enumerate(history["step"]):
        values = {
            "loss/best": _least(history["loss"][row]),
            "loss/median": _median(history["loss"][row]),
            "gradient_norm/median": _median(history["gradient_norm"][row]),
            "learning_rate/median": _median(history["learning_rate"][row]),
            "training_loss/best": _least(history["training_loss"][row]),
            "validation_loss/best": _least(history["validation_loss"][row]),
        }
        if row == last:
            values |= _best(snapshot.tree, names)
        yield int(step), {name: value for name, value in values.items() if np.isfinite(value)}


def settings_of(job: Job) -> dict[str, Any]:
    """The job's numbers and words by dotted key, without its lists of recordings and regions."""
    resolved = job.resolved()
    tables = {key: resolved[key] for key in ("fit", "simulation", "loss", "recording")}
    tables["model"] = {key: resolved["model"][key] for key in ("morphology", "build", "axon", "temperature_C")}
    return dict(_flat("", tables))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), below)
    elif isinstance(value, list | tuple):
        for number, below in enumerate(value):
            yield from _flat(f"{prefix}.{number}", below)
    elif value is not None:
        yield prefix, value


def _best(tree: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    present = np.asarray(tree["starts"]["present"])
    loss = np.where(present, np.asarray(tree["best"]["loss"], float), np.nan)
    if not np.isfinite(loss).any():
        return {}
    start = int(np.nanargmin(np.where(np.isfinite(loss), loss, np.nan)))
    theta = np.asarray(tree["best"]["theta"])[start]
    found = {f"parameters/{name}": float(value) for name, value in zip(names, theta, strict=True)}
    return {"best/loss": float(loss[start]), "best/start": float(start), **found}


def _least(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.min()) if finite.size else float("nan")


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
