"""Many jobs from one: a base job, axes of changes, and a run of its own for each combination.

`table` is the file, `members` the jobs that it stands for, `execute` runs them. (`..sweeps` are the recordings'.)
"""

from .members import Member, load_sweep
from .table import JobSweep

__all__ = ["JobSweep", "Member", "load_sweep"]
