"""The bars that take too long for `make test`: run them all and print one table.

    python benchmarks/verify.py [WORD ...]      only programs whose name holds one of the words

Owns the order, the collection and the exit code (1 if a bar is missed or a program fails). What is measured belongs to
the programs: the tests marked `slow`, and the other scripts of this folder whose name has no leading underscore, less
the one that makes tables of their figures. Each tells its figures by `_bar.tell`; everything else it prints is passed
on.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from _bar import PREFIX

HERE = Path(__file__).resolve().parent
NOT_MEASURING = ("verify.py", "performance_table.py")


def programs() -> list[tuple[str, list[str]]]:
    """(name, command) of everything that tells figures."""
    found = [("slow tests", [sys.executable, "-m", "pytest", "-m", "slow", "-s"])]
    for path in sorted(HERE.glob("*.py")):
        if not path.name.startswith("_") and path.name not in NOT_MEASURING:
            found.append((path.name, [sys.executable, str(path)]))
    return found


def measure(name: str, command: list[str]) -> list[list[str]]:
    """Run one program; its rows (program, bar, figure, limit, verdict), and one more if it failed."""
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    rows: list[list[str]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as process:
        for line in process.stdout or ():
            if line.startswith(PREFIX):
                rows.append([name, *line.removeprefix(PREFIX).rstrip("\n").split("\t")])
            else:
                print(line, end="", flush=True)
    # pytest's 5: there is no slow test.
    if process.returncode not in (0, 5):
        rows.append([name, "ends well", f"exit code {process.returncode}", "0", "MISSED"])
    print(f"-- {name}: {time.monotonic() - began:.0f} s", flush=True)
    return rows


def main(words: list[str]) -> int:
    """Run the chosen programs, print the table, and return the exit code."""
    chosen = [p for p in programs() if not words or any(word in p[0] for word in words)]
    rows = [["program", "bar", "figure", "must be", ""]]
    for name, command in chosen:
        rows += measure(name, command)
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return int(any(row[-1] == "MISSED" for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
