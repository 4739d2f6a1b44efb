"""The list of attacks: one line each, with what is tried, how it is given, and words of the line that refuses it.

A case makes its files in a folder that holds the small job of `samples`, and says how the command line is called there;
most end at `rallax validate job.toml`. Many would hang or fill the memory where they succeed: `run_cases` gives each a
process of its own with limits on both.
"""

from __future__ import annotations

import attacks_by_files
import attacks_by_jobs
import attacks_by_runs
import attacks_by_zarr

CASES = [*attacks_by_jobs.CASES, *attacks_by_files.CASES, *attacks_by_zarr.CASES, *attacks_by_runs.CASES]
