"""How many faults a fit bears: failures of workers and items, and machines that were taken away, counted apart."""

from __future__ import annotations

from .config import DispatchPolicy
from .errors import FitError


class Budgets:
    """Counts, and ends the fit in one line when there are too many."""

    def __init__(self, policy: DispatchPolicy) -> None:
        self._policy = policy
        self.failures = 0
        self.preemptions = 0
        self.last_failure = ""

    def failure(self, detail: str) -> None:
        """A worker or an item failed.

        Raises:
            FitError: the budget is used up.
        """
        self.failures += 1
        self.last_failure = detail
        if self.failures > self._policy.failures:
            raise FitError(
                f"{self.failures} workers or items failed and the budget is {self._policy.failures}; the last: {detail}"
            )

    def explained(self, failures: int, detail: str) -> None:
        """So many of the failures counted were those of a start that is now given up."""
        self.last_failure = detail
        self.failures = max(0, self.failures - failures)

    def preemption(self, detail: str) -> None:
        """A worker was lost with its machine.

        Raises:
            FitError: the budget is used up.
        """
        self.preemptions += 1
        if self.preemptions > self._policy.preemptions:
            raise FitError(
                f"{self.preemptions} workers were preempted and the budget is {self._policy.preemptions}; "
                f"the last: {detail}"
            )
