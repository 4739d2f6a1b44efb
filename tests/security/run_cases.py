"""Runs the list of attacks: `python run_cases.py FOLDER`, one line of JSON for each.

Each case is made in a process of its own, and the program is called in another, forked from this one when everything
is imported. That one has a limit on its memory and an alarm that ends it. The line tells its exit code (negative: the
signal that ended it), its standard error, its memory at the most and its time.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

SECONDS = 60
BYTES_MORE = 3 * 2**30


def main(folder: Path) -> int:
    # Everything that a call loads, once; no array is made here, so that JAX starts in the forks.
    import igor2.binarywave
    import morphio
    import neo
    import zarr  # noqa: F401
    from hostile import CASES
    from samples import write_job

    import rallax.workflows
    import rallax.workflows.check
    import rallax.workflows.run_fit
    import rallax.workflows.run_report
    from rallax.workflows.cli import main as call

    del morphio, neo, igor2, rallax
    warnings.simplefilter("ignore")
    for number, case in enumerate(CASES):
        place = folder / str(number) / "job"
        place.mkdir(parents=True)

        def make(place: Path = place, case: object = case) -> None:
            write_job(place)
            case.make(place)  # type: ignore[attr-defined]

        def attack(place: Path = place, case: object = case) -> None:
            os.chdir(place)
            signal.alarm(SECONDS)
            held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (held + BYTES_MORE, held + BYTES_MORE))
            sys.argv = ["rallax", *case.call]  # type: ignore[attr-defined]
            call()

        made = _forked(make, folder / "made.txt")[0]
        code, peak, seconds = _forked(attack, folder / "said.txt")
        said = (folder / ("made.txt" if made else "said.txt")).read_text(errors="replace")
        result = {"made": made, "code": code, "said": said[-2000:], "peak": peak, "seconds": seconds}
        print(json.dumps(result), flush=True)
    return 0


def _forked(task: Callable[[], None], errors: Path) -> tuple[int, int, float]:
    """Run a task in a fork of this process; (exit code, memory at the most in bytes, its time of the processor)."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
        code = 0
        try:
            task()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            import traceback

            traceback.print_exc()
            code = 99
        sys.stderr.flush()
        os._exit(code)
    _, status, used = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), used.ru_maxrss * 1024, used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
