"""Attacks by reconstructions and recordings."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from attack import DEEP, Case, Make, both, cell, job, sparse, trace, write
from samples import SWC, igor_wave


def _wave(place: int, form: str, value: int) -> Make:
    """An Igor wave with a number in its header replaced."""
    content = bytearray(igor_wave())
    struct.pack_into(form, content, place, value)
    return trace("v.ibw", bytes(content))


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe.swc")


def _h5(folder: Path) -> None:
    write(folder / "cell.h5", b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 40)


CASES = [
    # -- reconstructions
    Case("a reconstruction that is a device", job(('"cell.swc"', '"/dev/zero"')), "no plain file"),
    Case("a reconstruction that is a pipe", both(job(('"cell.swc"', '"pipe.swc"')), _pipe), "no plain file"),
    Case(
        "an SWC file of a terabyte (a hole)",
        both(job(('"cell.swc"', '"big.swc"')), sparse("big.swc", 2**40)),
        "bytes",
    ),
    Case(
        "ASC nested 100,000 deep: MorphIO overruns its stack",
        cell("deep.asc", '("X"\n(Dendrite)\n' + "(1 2 3 1)\n(2 2 3 1)\n(\n" * DEEP),
        "2000 deep",
    ),
    Case(
        "SWC that branches 50,000 times in a row: the same",
        cell(
            "deep.swc",
            "1 1 0 0 0 5 -1\n"
            + "".join(
                f"{2 * i} 3 {i} 0 0 1 {max(1, 2 * i - 2)}\n{2 * i + 1} 3 {i} 5 0 1 {2 * i}\n" for i in range(1, 50_000)
            ),
        ),
        "2000 branch points",
    ),
    Case(
        "SWC with 100,000 neurites on the soma: squared",
        cell("star.swc", "1 1 0 0 0 5 -1\n" + "".join(f"{i} 3 {i} 0 0 1 1\n" for i in range(2, DEEP))),
        "2000 neurites",
    ),
    Case(
        "a number of 500,000 digits in ASC: squared by a pattern",
        cell("digits.asc", '("X"\n(Dendrite)\n(' + "1" * 500_000 + "x 1 1 1)\n)"),
        "instead of a number",
    ),
    Case("an SWC point that is its own ancestor", cell("loop.swc", SWC[0].replace("1.5 1\n", "1.5 3\n", 1)), "cycle"),
    Case("SWC coordinates that are no numbers", cell("nan.swc", SWC[0].replace("60", "nan")), "finite"),
    Case("SWC numbers beyond 64 bit", cell("id.swc", SWC[0].replace("7 4", "99999999999999999999 4")), "whole number"),
    Case("an H5 file of nonsense", both(job(('"cell.swc"', '"cell.h5"')), _h5), "not readable as H5"),
    Case("compartments of 1e-12 um", job(("{ ncomp = 1 }", "{ max_length_um = 1e-12 }")), "compartments"),
    Case("compartments without length", job(("{ ncomp = 1 }", "{ max_length_um = 5e-324 }")), "compartments"),
    # -- recordings
    Case("a recording that is a device", job(('voltage = "v_1.csv"', 'voltage = "/dev/zero"')), "no plain file"),
    Case(
        "a recording that is random without end",
        job(('voltage = "v_1.csv"', 'voltage = "/dev/urandom"')),
        "no plain file",
    ),
    Case(
        "a recording in one line of 2 GB (a hole)",
        both(trace("line.csv", ""), sparse("line.csv", 2**31, b"time (ms), voltage (mV)\n")),
        "text",
    ),
    Case("a line of 10,000,000 numbers", trace("wide.csv", "1," * 10**7), "characters"),
    Case(
        "a header of 60,000 blanks: squared by a pattern",
        trace("blank.csv", "time (" + " " * 60_000 + "\n0 0\n"),
        "unit",
    ),
    Case("digits of another script", trace("digits.csv", "time (ms), voltage (mV)\n0,-70\n１,-70\n"), "is no number"),
    Case("samples that are not finite", trace("inf.csv", "time (ms), voltage (mV)\n0,-70\n1,inf\n"), "not finite"),
    Case("a pickle for a recording", trace("v.csv", b"\x80\x04\x95cos\nsystem\n."), "pickle"),
    Case("a pickle that is called a wave", trace("v.ibw", b"\x80\x04\x95cos\nsystem\n."), "pickle"),
    Case(
        "npy with a pickled object",
        trace("v.dat", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
        "text",
    ),
    Case("a zip archive for a recording", trace("v.csv", b"PK\x03\x04" + b"\0" * 60), "zip"),
    Case("a wave whose header declares 2,000,000,000 samples", _wave(64 + 12, "<l", 2 * 10**9), "at most"),
    Case("a wave with a note of 2 GB", _wave(12, "<l", 2**31 - 1), "notes"),
    Case("a wave with a note of negative length", _wave(12, "<l", -5), "notes"),
    Case("a wave of text", _wave(64 + 16, "<h", 0), "text"),
    Case(
        "a wave whose unit is an expression (neo evaluates it)", trace("v.ibw", igor_wave(unit=b"9**9")), "is no unit"
    ),
]
