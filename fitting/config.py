"""What a fit is asked to do (`FitConfig`, on which its result depends) and how work is handed out (`DispatchPolicy`,
on which it does not)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .problem import SweepGroup


@dataclass(frozen=True)
class FitConfig:
    """The search. With the problem it determines every bit of the result.

    ``starts_per_block`` and ``sweeps_per_item`` (one width per sweep group) are the lane shape: every item sent to a
    worker has ``starts_per_block`` rows and the group's width of sweeps, padded where there are fewer. The shape is
    settled when a run is created and never changes within it.

    ``sweeps_per_step`` 0 takes all training sweeps in each step, n takes a random n per block and step.
    ``evaluate_every`` is the number of steps between evaluations on the validation sweeps (and, with
    ``sweeps_per_step``, on all training sweeps, from which the best parameters are then told).

    Raises:
        ValueError: a number that makes no sense, with its key.
    """

    candidates: int
    starts: int
    steps: int
    optimizer: Mapping[str, Any]
    starts_per_block: int
    sweeps_per_item: tuple[int, ...]
    seed: int = 0
    sweeps_per_step: int = 0
    evaluate_every: int = 5

    def __post_init__(self) -> None:
        for key, least in (
            ("candidates", 1),
            ("starts", 1),
            ("steps", 0),
            ("starts_per_block", 1),
            ("seed", 0),
            ("sweeps_per_step", 0),
            ("evaluate_every", 1),
        ):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"[fit] {key} = {value!r} must be a whole number, {least} or above")
        if self.candidates < self.starts:
            raise ValueError(
                f"[fit] candidates = {self.candidates} is below starts = {self.starts}; "
                "the best candidates become the starts, so at least as many are needed"
            )
        if self.seed >= 2**63:
            raise ValueError(f"[fit] seed = {self.seed} must be below 2^63")
        if any(width < 1 for width in self.sweeps_per_item):
            raise ValueError(f"[fit] sweeps_per_item = {self.sweeps_per_item} must be whole numbers, 1 or above")

    def check_against(self, groups: Sequence[SweepGroup]) -> None:
        """Raises ValueError where the sweeps do not suit the configuration."""
        if len(self.sweeps_per_item) != len(groups):
            raise ValueError(
                f"[fit] sweeps_per_item has {len(self.sweeps_per_item)} widths for {len(groups)} groups of sweeps"
            )
        n_train = sum(use == "train" for group in groups for use in group.use)
        if n_train == 0:
            raise ValueError('[[sweeps]]: no sweep has use = "train"; at least one is needed')
        if self.sweeps_per_step > n_train:
            raise ValueError(
                f"[fit] sweeps_per_step = {self.sweeps_per_step} exceeds the {n_train} training sweeps; 0 takes all"
            )


@dataclass(frozen=True)
class DispatchPolicy:
    """How items are handed to workers and what faults are borne. Times in seconds of whatever clock drives the loop.

    Raises:
        ValueError: a number that makes no sense, with its key.
    """

    workers: int = 1
    in_flight: int = 2
    """Items that a worker holds at once: one computed, the others waiting, so that it never idles."""
    failures: int = 32
    """Workers and items that may fail, those not counted that a quarantined start explains."""
    preemptions: int = 1000
    """Workers that may be lost with their machine."""
    start_attempts: int = 2
    """Attempts to start a worker before the first has come up."""
    strikes: int = 2
    """Failures of one item before it is bisected, or its only start quarantined."""
    straggler_factor: float = 3.0
    """An item is duplicated when it takes this many times the median of its like ..."""
    straggler_least: float = 10.0
    """... and at least this long."""
    hang: float | None = None
    """A worker busy with one item for longer than this is ended; None: by the next three, infinite: never."""
    hang_factor: float = 30.0
    """It is ended after this many times the median of the item's like ..."""
    hang_least: float = 300.0
    """... and at least this long."""
    hang_unknown: float = 3600.0
    """The limit while too few of the like have been done to tell. The first of a kind on a worker, with which it
    compiles, is compared with other first ones only."""
    elastic: bool = False
    """Whether as many workers are wanted as the cluster has room for (`RoomFor`), ``workers`` being the first guess."""
    most_workers: int | None = None
    """At most so many where ``elastic``."""
    mixed_devices: bool = False
    """Whether workers of different device classes may take part (the result then depends on who computed what)."""

    def __post_init__(self) -> None:
        for key, least in (
            ("workers", 1),
            ("in_flight", 1),
            ("failures", 0),
            ("preemptions", 0),
            ("start_attempts", 1),
            ("strikes", 1),
            ("most_workers", 1),
        ):
            value = getattr(self, key)
            if key == "most_workers" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"[compute] {key} = {value!r} must be a whole number, {least} or above")
        for key in ("straggler_factor", "hang_factor"):
            if not getattr(self, key) >= 1.0:
                raise ValueError(f"[compute] {key} = {getattr(self, key)} must be 1 or above")
        for key in ("hang", "hang_least", "hang_unknown"):
            value = getattr(self, key)
            if value is not None and not value > 0.0:
                raise ValueError(f"[compute] {key} = {value} must be above 0")
