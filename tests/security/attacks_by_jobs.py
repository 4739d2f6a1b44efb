"""Attacks by the job file: its text, expressions in it, and the Python that it names."""

from __future__ import annotations

import json
import os
from pathlib import Path

from attack import DEEP, VALIDATE, Case, Make, both, job, sparse, text, write
from samples import JOB


def _linked_code(folder: Path) -> None:
    write(folder.parent / "evil.py", "f = 1\n")
    (folder / "evil.py").symlink_to("../evil.py")


def _build(entry: str) -> Make:
    """The job with a model from Python."""
    model = JOB[JOB.index("[model]") : JOB.index("[[parameters]]")]
    return job(
        (model, f'[model]\nbuild = "{entry}"\n'),
        ('region = "all"\nparameter = "pas_g"\n', ""),
        ('region = ["soma", "basal"]\nparameter = "pas_e"\n', ""),
        ('profile = "1 + c*d"\n', ""),
        ('site = { region = "soma" }', "site = { recording = 0 }"),
        ('use = "validate"', 'use = "validate"\nsite = { recording = 0 }'),
    )


def _profile(text: str) -> Make:
    return job(('"1 + c*d"', json.dumps(text)))


CASES = [
    # -- the job file itself
    Case("TOML arrays nested 100,000 deep", text("a = " + "[" * DEEP), "nested too deep"),
    Case("TOML tables nested 100,000 deep", text("a = " + "{a = " * DEEP), "nested too deep"),
    Case("a dotted key of 300,000 parts: the parser takes its square", text("a" + ".a" * 300_000 + " = 1"), "32 parts"),
    Case("a job file of 100 GB (a hole)", sparse("job.toml", 100 * 2**30), "larger than"),
    Case("bytes that are no text", text(b"name = '\xff\xfe'"), "no UTF-8"),
    Case(
        "a key twice, the second to be believed",
        job(('name = "small"', 'name = "small"\nname = "other"')),
        "overwrite",
    ),
    Case("a whole number of 900,000 digits", job(("steps = 3", "steps = " + "1" * 900_000)), "TOML"),
    Case("a number of 500,000 hexadecimal digits", job(("steps = 3", "steps = 0x" + "f" * 500_000)), "large"),
    Case("a number beyond 64 bit", job(("steps = 3", f"steps = {2**70}")), "at most"),
    Case("NaN where a number belongs", job(("weight = 2.0", "weight = nan")), "finite"),
    Case("infinite bounds", job(("[-95.0, -60.0]", "[-inf, inf]")), "finite"),
    Case(
        "300,000 numbers, the last one twice",
        job(("numbers = [1, 2]", f"numbers = [{','.join(map(str, range(130_000)))}, 9]")),
        "more than once",
    ),
    Case(
        "100,000 unknown keys, each to be compared",
        job(("[fit]", "[fit]\n" + "".join(f"k{i} = 1\n" for i in range(70_000)))),
        "unknown key",
    ),
    Case(
        "20,000 faults, each to be told",
        job(("[[model.insert]]", '[[model.set]]\nregion = "all"\nvalues = {}\n' * 15_000 + "[[model.insert]]")),
        "more faults",
    ),
    Case("a name that leads out of its folder", job(('name = "small"', 'name = "../../small"')), "letters, digits"),
    Case(
        "a name that clears the terminal",
        job(('name = "small"', 'name = "\\u001b[2J\\u001b]0;x\\u0007"')),
        "letters, digits",
    ),
    Case(
        "a name that is written from right to left",
        job(('name = "small"', 'name = "a\\u202egnp.exe"')),
        "letters, digits",
    ),
    Case("a sweep's name with a separator", job(('name = "held"', 'name = "../held"')), "letters, digits"),
    Case(
        "a region that clears the terminal",
        job(('region = "all"\nmechanism', 'region = "\\u001b[2J"\nmechanism')),
        "no region",
    ),
    Case("a job that is a device", lambda folder: None, "no plain file", ("validate", "/dev/zero")),
    Case("a job that is a directory", lambda folder: (folder / "d.toml").mkdir(), "directory", ("validate", "d.toml")),
    Case(
        "an override nested 10,000 deep",
        lambda folder: None,
        "no TOML value",
        (*VALIDATE, "--set", "fit.steps=" + "[" * 10_000),
    ),
    Case(
        "an override with a second key in it",
        lambda folder: None,
        "no TOML value",
        (*VALIDATE, "--set", "fit.steps=1\nname='x'"),
    ),
    # -- expressions
    Case("an expression that imports", _profile("__import__('os').system('id')"), "has no place"),
    Case("an expression that reads an attribute", _profile("d.__class__"), "has no place"),
    Case("an expression that calls what it names", _profile("open(d)"), "is no function"),
    Case("an expression that loops", _profile("[d for d in d]"), "has no place"),
    Case("an expression that assigns", _profile("(d := 1)"), "has no place"),
    Case("parentheses nested 400 deep", _profile("(" * 400 + "d" + ")" * 400), "nested more than"),
    Case("signs in a row of 900", _profile("-" * 900 + "d"), "nested more than"),
    Case("an expression of 100,000 characters", _profile("d+" * 50_000 + "d"), "at most 1000"),
    Case("a number beyond floating point", _profile("d*1e999"), "too large"),
    # -- Python that a job names
    Case("code from above the job's folder", _build("../evil.py:f"), "outside the job's folder"),
    Case("code from an absolute place", _build("/tmp/evil.py:f"), "outside the job's folder"),
    Case("code by a link out of the folder", both(_build("evil.py:f"), _linked_code), "link out of"),
    Case(
        "code that is a pipe", both(_build("pipe.py:f"), lambda folder: os.mkfifo(folder / "pipe.py")), "no plain file"
    ),
    Case(
        "code that ends the program",
        both(_build("evil.py:f"), lambda f: write(f / "evil.py", "import sys\ndef f():\n    sys.exit(0)\n")),
        "SystemExit",
    ),
    Case("a module with a path in it", _build("os/path:join"), "neither a .py file nor a module"),
]
