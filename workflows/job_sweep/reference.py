"""The reference of the sweep's file, docs/sweep.md, written from its tables.

python -m rallax.workflows.job_sweep.reference > docs/sweep.md
"""

from __future__ import annotations

import sys

from ..job.reference import rows
from .table import Axis, JobSweep

_HEAD = """# Many jobs from one

`rallax sweep SWEEP.toml` fits one job many times: over cells, losses, seeds, any keys of the job. Each combination is a
job with a run of its own, so each can be looked at, reported and resumed by itself.

```toml
name = "cells-and-losses"
job = "job.toml"                          # the base job, relative to this file
runs = "runs/cells-and-losses"            # each run is a directory in it, named for its values
at_once = 2
set = { "fit.steps" = 100 }               # for all; keys of the job are quoted

[[axes]]
name = "cell"
[axes.choices]                            # several keys at once
pyramidal = { "model.morphology" = "pyramidal.swc", "sweeps[0].voltage" = "pyramidal_{n}.csv" }
basket = { "model.morphology" = "basket.swc", "sweeps[0].voltage" = "basket_{n}.csv" }

[[axes]]
name = "loss"
[axes.choices]
squares = { "loss.terms" = [{ kind = "mse", scale_mV = 5.0 }] }
huber = { "loss.terms" = [{ kind = "huber", scale_mV = 5.0 }] }

[[axes]]
name = "seed"
key = "fit.seed"                          # or one key
values = [0, 1, 2]
```

These are twelve jobs, `pyramidal-squares-0` to `basket-huber-2`.

```
rallax sweep sweep.toml --check           # checks every job and lists them; nothing runs
rallax sweep sweep.toml                   # a table of all of them as they go; --json, or plain lines when piped
rallax list runs/cells-and-losses
```

All jobs are checked before the first one starts, for their keys and for the files that they name (`rallax validate`
checks more). They share one Ray cluster: that of `--address`, else that of `[compute] address`, else one that is
started here. `at_once` jobs run side by side, each with the workers it asks for; those for which there is no room wait.
A job that fails stops no other; what it printed is in NAME.log beside its run, or in SWEEP-logs/
beside this file where the runs are remote. Ctrl-C commits all that are running and
ends with exit code 3. The same command goes on: finished runs are left as they are, the others are resumed. A run that
is there already and of another job is not touched, and its job fails. Exit codes: 0 all are finished, 3 stopped, 4 some
failed.

This page is written by `python -m rallax.workflows.job_sweep.reference`; change the descriptions there, not here.

## At the top
"""


def reference() -> str:
    """The page as Markdown."""
    return "\n".join([_HEAD, *rows(JobSweep), "", "## [[axes]]", "", *rows(Axis)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
