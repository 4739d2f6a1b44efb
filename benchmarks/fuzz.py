"""Spoiled jobs, runs, reconstructions, recordings: each read or refused in one line, in bounded time and memory.

    python benchmarks/fuzz.py [--inputs 100000] [--seed 0] [--reader NAME]... [--only NUMBER]

Valid inputs are changed at random: bytes, tokens, and documents as trees with hashes that hold again. Each reader runs
in a process of its own with a limit on memory and an alarm for each input; a process that dies is a failure of the
input it was reading, and another goes on after it. Prints the counts by reader; ends with 1 if an input failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _bar import tell

CHILD = Path(__file__).with_name("_fuzz_child.py")
SHARES = {
    "jobs": 0.38,
    "expressions": 0.15,
    "resolved jobs": 0.06,
    "text tables": 0.15,
    "igor waves": 0.03,
    "zarr arrays": 0.04,
    "SWC": 0.1,
    "ASC": 0.04,
    "H5": 0.001,
    "runs": 0.049,
}
"""Each reader's part of the inputs, by what one costs (an H5 file is read by a process of its own)."""
PATIENCE = 120


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", action="append", choices=list(SHARES), help="only this one")
    parser.add_argument("--only", type=int, help="a single input by its number, to see a failure again")
    arguments = parser.parse_args()
    chosen = {name: SHARES[name] for name in arguments.reader or SHARES}
    whole = sum(chosen.values())
    read = failed = 0
    for name, share in chosen.items():
        count = max(1, round(arguments.inputs * share / whole))
        first, last = (0, count) if arguments.only is None else (arguments.only, arguments.only + 1)
        began = time.monotonic()
        counts, problems = fuzz(name, arguments.seed, first, last)
        seconds = time.monotonic() - began
        print(
            f"{name:14} {last - first:7} inputs: {counts['accepted']} read, {counts['refused']} refused, "
            f"{len(problems)} failed, {seconds:.0f} s",
            flush=True,
        )
        for number, problem in problems[:20]:
            print(f"  {name} {number}: {problem}", flush=True)
        read, failed = read + last - first, failed + len(problems)
    tell("D9 spoiled inputs", f"{failed} of {read} with a traceback, a crash or a hang", "0", failed == 0)
    return int(failed > 0)


def fuzz(name: str, seed: int, first: int, last: int) -> tuple[dict[str, int], list[tuple[int, str]]]:
    """(counts, [(number, what happened)]) of inputs first to last."""
    counts, problems = {"accepted": 0, "refused": 0}, []
    while first < last:
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, str(CHILD), name, str(seed), str(first), str(last), scratch]
            ended, lines = _watched(command, Path(scratch) / "number")
            for line in filter(None, lines):
                told = json.loads(line)
                if "problem" in told:
                    problems.append((told["number"], told["problem"]))
                else:
                    counts = {key: counts[key] + told[key] for key in counts}
            if not ended:
                return counts, problems
            number = _number(Path(scratch) / "number")
            if number is None:
                raise SystemExit(f"{name}: the reading process did not start: {ended}")
            problems.append((number, ended))
            first = number + 1
    return counts, problems


def _watched(command: list[str], place: Path) -> tuple[str, list[str]]:
    """Run the reading process; how it ended ("" for well) and its lines. One that stands still is killed."""
    with (
        tempfile.TemporaryFile("w+") as told,
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=told, stderr=errors) as process,
    ):
        seen, since = None, time.monotonic()
        while True:
            try:
                process.wait(5)
                break
            except subprocess.TimeoutExpired:
                now = _number(place)
                if now != seen:
                    seen, since = now, time.monotonic()
                elif time.monotonic() - since > PATIENCE:
                    process.kill()
        told.seek(0)
        errors.seek(0)
        lines, last_words = told.read().splitlines(), errors.read()[-300:]
    return "" if process.returncode == 0 else f"the process ended with {process.returncode}: {last_words}", lines


def _number(place: Path) -> int | None:
    try:
        return int(place.read_text())
    except (OSError, ValueError):
        return None


if __name__ == "__main__":
    sys.exit(main())
