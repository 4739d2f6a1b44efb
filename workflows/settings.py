"""What is decided when a run is made and never again: the shape of the work, on which bits depend.

Owns the rule that chooses it. The shape follows from the job alone, not from the workers, so that any number of workers
gives the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .errors import UserError

if TYPE_CHECKING:
    from .resolve import ResolvedJob

#: Starts are divided into at least this many blocks where there are as many, so that a few workers share them.
LEAST_BLOCKS = 2
#: Lanes of one item where the sweeps do not give more: one AVX-512 register of float32 (docs/performance.md).
LEAST_LANES = 16
MOST_LANES = 64
#: Lanes of one item at the most, as a job may ask for.
LARGEST_LANES = 4096
MEMORY_BUDGET_BYTES = 1 << 30
EVALUATE_EVERY = 5


@dataclass(frozen=True)
class Settings:
    """The fixed shape of a run.

    Attributes
    ----------
    starts_per_block, sweeps_per_item : lanes of one item of work, the latter for each group of sweeps
    evaluate_every : steps between evaluations on the validation sweeps
    memory_budget_bytes : of the states that the gradient of one item saves
    """

    starts_per_block: int
    sweeps_per_item: tuple[int, ...]
    evaluate_every: int = EVALUATE_EVERY
    memory_budget_bytes: int = MEMORY_BUDGET_BYTES

    @classmethod
    def choose(cls, starts: int, sweeps: Sequence[int], lanes: int | None = None, most: int = MOST_LANES) -> Settings:
        """For a number of starts, the number of sweeps of each group, and lanes of an item (None: by the rule).

        Sweeps of a group stay together up to `most` (or `lanes`), more are divided evenly; starts join them until
        `LEAST_LANES` (or `lanes`) are reached or only `LEAST_BLOCKS` blocks are left.
        """
        if lanes is not None:
            most = max(MOST_LANES, lanes)
        per_item = tuple(_even_share(n, most) if lanes is None else min(n, lanes) for n in sweeps)
        wanted = -(-(LEAST_LANES if lanes is None else lanes) // min(per_item))
        for_blocks = max(1, -(-starts // LEAST_BLOCKS))
        per_block = max(1, min(wanted, for_blocks, most // max(per_item)))
        return cls(per_block, per_item)

    @classmethod
    def of(cls, resolved: ResolvedJob) -> Settings:
        """The settings that a resolved job carries. Raises UserError where they are missing."""
        given: dict[str, Any] = dict(resolved.settings)
        try:
            given["sweeps_per_item"] = tuple(given["sweeps_per_item"])
            settings = cls(**given)
        except (KeyError, TypeError):
            settings = None
        if settings is None or not settings._possible():
            raise UserError("resolved.json: settings: are not those of a run; name the directory of a run")
        return settings

    def _possible(self) -> bool:
        """Whether these can have been chosen: whole numbers, and lanes that a machine can hold."""
        lanes = (self.starts_per_block, *self.sweeps_per_item)
        numbers = (*lanes, self.evaluate_every, self.memory_budget_bytes)
        return all(type(n) is int and 0 < n < 2**48 for n in numbers) and all(n <= LARGEST_LANES for n in lanes)

    def to_dict(self) -> dict[str, Any]:
        """As plain data for `ResolvedJob.with_settings`."""
        return {**asdict(self), "sweeps_per_item": list(self.sweeps_per_item)}


def _even_share(n: int, most: int) -> int:
    """As few equal parts of n as have at most so many."""
    return -(-n // -(-n // most))
