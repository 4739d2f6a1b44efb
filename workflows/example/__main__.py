"""`python -m rallax.workflows.example DIR` writes the shipped example into a new folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .targets import write_example


def main() -> int:
    """The command; 0, or 2 with one line where the folder cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m rallax.workflows.example", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    folder = parser.parse_args().folder
    try:
        job_file = write_example(folder)
    except (ValueError, OSError) as error:
        print(f"example: {error}", file=sys.stderr)
        return 2
    print(f"Wrote the example; fit it with: rallax run {job_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
