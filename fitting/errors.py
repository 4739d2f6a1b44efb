"""The error with which a running fit ends; mistakes in the configuration are plain `ValueError`s."""

from __future__ import annotations


class FitError(RuntimeError):
    """The fit cannot go on (workers cannot be had, a budget is used up, no finite candidate); one line.

    What is committed stays valid: the run can be resumed once the cause is gone.
    """
