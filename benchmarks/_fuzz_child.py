"""The process that reads spoiled inputs: `python _fuzz_child.py READER SEED FIRST LAST SCRATCH`.

Each input follows from the seed, the reader and its number alone. The number is written down before it is read, so
that the parent can name the input that ended this process. Every failure and the counts at the end are lines of JSON on
standard output.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path

SECONDS = 10
BYTES = 6 * 2**30


class Hang(BaseException):
    """Raised by the alarm; nothing catches it on the way."""


def _alarm(number: int, frame: object) -> None:
    raise Hang


def main(reader: str, seed: int, first: int, last: int, scratch: Path) -> int:
    warnings.simplefilter("ignore")
    from _fuzz_readers import READERS

    from rallax.workflows.errors import exit_code_of

    subject = READERS[reader](scratch)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    signal.signal(signal.SIGALRM, _alarm)
    place = os.open(scratch / "number", os.O_RDWR | os.O_CREAT)
    counts = {"accepted": 0, "refused": 0}
    for number in range(first, last):
        os.pwrite(place, b"%20d" % number, 0)
        rng = random.Random(f"{seed} {reader} {number}")
        signal.alarm(SECONDS)
        problem = ""
        try:
            subject.try_one(rng)
            counts["accepted"] += 1
        except Hang:
            problem = f"no answer within {SECONDS} s: {_where(sys.exc_info()[2])}"
        except BaseException as error:
            code, lines = exit_code_of(error)
            if code != 2 or not lines or not all(line.isprintable() for line in lines):
                problem = f"{type(error).__name__}: {error}"[:300] + _where(error.__traceback__)
            counts["refused"] += not problem
        signal.alarm(0)
        if problem:
            print(json.dumps({"number": number, "problem": problem}), flush=True)
    print(json.dumps(counts), flush=True)
    return 0


def _where(trace: object) -> str:
    frames = traceback.extract_tb(trace)[-3:]  # type: ignore[arg-type]
    return "".join(f" <- {Path(f.filename).name}:{f.lineno}" for f in reversed(frames))


if __name__ == "__main__":
    name, *numbers, folder = sys.argv[1:]
    sys.exit(main(name, *map(int, numbers), Path(folder)))
