"""The list of attacks: one line each, with what is tried, how it is given, and words of the line that refuses it.

A case makes its files in a folder that holds the small job of `samples`, and says how the command line is called there;
most end at `rallax validate job.toml`. Many would hang or fill the memory where they succeed: `run_cases` gives each a
process of its own with limits on both.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from samples import JOB, SWC, igor_wave, write_run

Make = Callable[[Path], None]
VALIDATE = ("validate", "job.toml")


@dataclass(frozen=True)
class Case:
    """`tries` in words, `make` its files, `says` words of the refusal, `call` the command line."""

    tries: str
    make: Make
    says: str
    call: tuple[str, ...] = VALIDATE


def _job(*changes: tuple[str, str]) -> Make:
    """The job with pieces of its text replaced, which must be there."""

    def make(folder: Path) -> None:
        text = JOB
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        (folder / "job.toml").write_text(text, encoding="utf-8")

    return make


def _text(text: str | bytes) -> Make:
    """The whole job file."""
    return lambda folder: _write(folder / "job.toml", text)


def _write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def _both(*makes: Make) -> Make:
    def make(folder: Path) -> None:
        for one in makes:
            one(folder)

    return make


def _cell(name: str, content: str | bytes) -> Make:
    """Another reconstruction."""
    return _both(_job(('"cell.swc"', f'"{name}"')), lambda folder: _write(folder / name, content))


def _trace(name: str, content: str | bytes) -> Make:
    """Another recorded voltage in place of v_1.csv of the held-out sweep."""
    return _both(_job(('voltage = "v_1.csv"', f'voltage = "{name}"')), lambda folder: _write(folder / name, content))


def _wave(place: int, form: str, value: int) -> Make:
    """An Igor wave with a number in its header replaced."""
    content = bytearray(igor_wave())
    struct.pack_into(form, content, place, value)
    return _trace("v.ibw", bytes(content))


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe.swc")


def _pipe_for(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _linked_code(folder: Path) -> None:
    _write(folder.parent / "evil.py", "f = 1\n")
    (folder / "evil.py").symlink_to("../evil.py")


def _sparse(name: str, size: int, head: bytes = b"") -> Make:
    def make(folder: Path) -> None:
        with (folder / name).open("wb") as stream:
            stream.write(head)
            stream.truncate(size)

    return make


def _build(entry: str) -> Make:
    """The job with a model from Python."""
    model = JOB[JOB.index("[model]") : JOB.index("[[parameters]]")]
    return _job(
        (model, f'[model]\nbuild = "{entry}"\n'),
        ('region = "all"\nparameter = "pas_g"\n', ""),
        ('region = ["soma", "basal"]\nparameter = "pas_e"\n', ""),
        ('profile = "1 + c*d"\n', ""),
        ('site = { region = "soma" }', "site = { recording = 0 }"),
        ('use = "validate"', 'use = "validate"\nsite = { recording = 0 }'),
    )


def _profile(text: str) -> Make:
    return _job(('"1 + c*d"', json.dumps(text)))


def _zarr(change: dict[str, object], chunk: bytes | None = None, then: Make = lambda folder: None) -> Make:
    """A Zarr recording with changed metadata, its chunk replaced."""

    def make(folder: Path) -> None:
        import zarr

        array = zarr.create_array(folder / "v.zarr", data=np.linspace(-70, -60, 400), dimension_names=["time"])
        array.attrs.update({"units": "mV", "sampling_interval_ms": 0.01})
        file = folder / "v.zarr" / "zarr.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}), encoding="utf-8")
        if chunk is not None:
            _write(folder / "v.zarr" / "c" / "0", chunk)
        _job(('voltage = "v_1.csv"', 'voltage = "v.zarr"'))(folder)
        then(folder)

    return make


def _zstd_bomb(size: int) -> bytes:
    """A frame of blocks that each repeat one byte 128 KiB often, with its true size in the header."""
    blocks = size // 131072
    head = b"\x28\xb5\x2f\xfd" + bytes([0xC0, 0x58]) + struct.pack("<Q", blocks * 131072)
    return head + b"".join(
        (131072 << 3 | 1 << 1 | (i == blocks - 1)).to_bytes(3, "little") + b"\0" for i in range(blocks)
    )


def _gzip_bomb(size: int) -> bytes:
    import zlib

    pack = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    return b"".join(pack.compress(zeros) for _ in range(size // 2**20)) + pack.flush()


def _blosc_bomb() -> bytes:
    from numcodecs.blosc import Blosc

    data = bytearray(Blosc().encode(np.zeros(100)))
    data[4:8] = struct.pack("<I", 2**31 - 1)
    return bytes(data)


def _codec(name: str, **configuration: object) -> dict[str, object]:
    return {
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": name, "configuration": configuration},
        ]
    }


def _run(spoil: Callable[[Path], None]) -> Make:
    """A finished run in `run`, spoiled."""

    def make(folder: Path) -> None:
        write_run(folder)
        spoil(folder / "run")

    return make


def _link(place: str, target: str) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        path = run / place
        if path.is_dir():
            path.rename(run.parent / "aside")
        else:
            path.unlink(missing_ok=True)
        path.symlink_to(target)

    return spoil


def _resolved(change: Callable[[dict], None]) -> Callable[[Path], None]:
    """resolved.json changed, with a hash that holds."""

    def spoil(run: Path) -> None:
        from rallax.workflows import resolve

        file = run / "resolved.json"
        tree = json.loads(file.read_text())
        change(tree)
        files = tuple(resolve.NamedFile(f["key"], f["name"], Path(f["path"]), f["sha256"]) for f in tree["files"])
        tree["hash"] = resolve._hash(tree["format"], tree["job"], files, tree["settings"])
        file.write_text(json.dumps(tree))

    return spoil


def _sealed(change: Callable[[dict], None], group: str = "checkpoints/seq-000001-epoch-0001") -> Callable[[Path], None]:
    """A group's attributes changed, with a seal that holds."""

    def spoil(run: Path) -> None:
        from rallax.storage.documents import canonical, digest

        file = run / "run.zarr" / group / "zarr.json"
        document = json.loads(file.read_text())
        change(document["attributes"])
        committed = document["attributes"]["committed"]
        committed.pop("digest")
        committed["digest"] = digest(canonical(document["attributes"]))
        file.write_text(json.dumps(document))

    return spoil


def _with(key: str, value: object) -> Callable[[dict], None]:
    return lambda attributes: attributes.update({key: value})


def _files_set(path: str) -> Callable[[dict], None]:
    return lambda tree: tree["files"][0].update({"path": path})


def _h5(folder: Path) -> None:
    _write(folder / "cell.h5", b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 40)


STATUS, RESUME, REPORT = ("status", "run"), ("resume", "run"), ("report", "run")
DEEP = 100_000

CASES = [
    # -- the job file itself
    Case("TOML arrays nested 100,000 deep", _text("a = " + "[" * DEEP), "nested too deep"),
    Case("TOML tables nested 100,000 deep", _text("a = " + "{a = " * DEEP), "nested too deep"),
    Case(
        "a dotted key of 300,000 parts: the parser takes its square", _text("a" + ".a" * 300_000 + " = 1"), "32 parts"
    ),
    Case("a job file of 100 GB (a hole)", _sparse("job.toml", 100 * 2**30), "larger than"),
    Case("bytes that are no text", _text(b"name = '\xff\xfe'"), "no UTF-8"),
    Case(
        "a key twice, the second to be believed",
        _job(('name = "small"', 'name = "small"\nname = "other"')),
        "overwrite",
    ),
    Case("a whole number of 900,000 digits", _job(("steps = 3", "steps = " + "1" * 900_000)), "TOML"),
    Case("a number of 500,000 hexadecimal digits", _job(("steps = 3", "steps = 0x" + "f" * 500_000)), "large"),
    Case("a number beyond 64 bit", _job(("steps = 3", f"steps = {2**70}")), "at most"),
    Case("NaN where a number belongs", _job(("weight = 2.0", "weight = nan")), "finite"),
    Case("infinite bounds", _job(("[-95.0, -60.0]", "[-inf, inf]")), "finite"),
    Case(
        "300,000 numbers, the last one twice",
        _job(("numbers = [1, 2]", f"numbers = [{','.join(map(str, range(130_000)))}, 9]")),
        "more than once",
    ),
    Case(
        "100,000 unknown keys, each to be compared",
        _job(("[fit]", "[fit]\n" + "".join(f"k{i} = 1\n" for i in range(70_000)))),
        "unknown key",
    ),
    Case(
        "20,000 faults, each to be told",
        _job(("[[model.insert]]", '[[model.set]]\nregion = "all"\nvalues = {}\n' * 15_000 + "[[model.insert]]")),
        "more faults",
    ),
    Case("a name that leads out of its folder", _job(('name = "small"', 'name = "../../small"')), "letters, digits"),
    Case(
        "a name that clears the terminal",
        _job(('name = "small"', 'name = "\\u001b[2J\\u001b]0;x\\u0007"')),
        "letters, digits",
    ),
    Case(
        "a name that is written from right to left",
        _job(('name = "small"', 'name = "a\\u202egnp.exe"')),
        "letters, digits",
    ),
    Case("a sweep's name with a separator", _job(('name = "held"', 'name = "../held"')), "letters, digits"),
    Case(
        "a region that clears the terminal",
        _job(('region = "all"\nmechanism', 'region = "\\u001b[2J"\nmechanism')),
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
    Case("code by a link out of the folder", _both(_build("evil.py:f"), _linked_code), "link out of"),
    Case(
        "code that is a pipe", _both(_build("pipe.py:f"), lambda folder: os.mkfifo(folder / "pipe.py")), "no plain file"
    ),
    Case(
        "code that ends the program",
        _both(_build("evil.py:f"), lambda f: _write(f / "evil.py", "import sys\ndef f():\n    sys.exit(0)\n")),
        "SystemExit",
    ),
    Case("a module with a path in it", _build("os/path:join"), "neither a .py file nor a module"),
    # -- reconstructions
    Case("a reconstruction that is a device", _job(('"cell.swc"', '"/dev/zero"')), "no plain file"),
    Case("a reconstruction that is a pipe", _both(_job(('"cell.swc"', '"pipe.swc"')), _pipe), "no plain file"),
    Case(
        "an SWC file of a terabyte (a hole)",
        _both(_job(('"cell.swc"', '"big.swc"')), _sparse("big.swc", 2**40)),
        "bytes",
    ),
    Case(
        "ASC nested 100,000 deep: MorphIO overruns its stack",
        _cell("deep.asc", '("X"\n(Dendrite)\n' + "(1 2 3 1)\n(2 2 3 1)\n(\n" * DEEP),
        "2000 deep",
    ),
    Case(
        "SWC that branches 50,000 times in a row: the same",
        _cell(
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
        _cell("star.swc", "1 1 0 0 0 5 -1\n" + "".join(f"{i} 3 {i} 0 0 1 1\n" for i in range(2, DEEP))),
        "2000 neurites",
    ),
    Case(
        "a number of 500,000 digits in ASC: squared by a pattern",
        _cell("digits.asc", '("X"\n(Dendrite)\n(' + "1" * 500_000 + "x 1 1 1)\n)"),
        "instead of a number",
    ),
    Case("an SWC point that is its own ancestor", _cell("loop.swc", SWC[0].replace("1.5 1\n", "1.5 3\n", 1)), "cycle"),
    Case("SWC coordinates that are no numbers", _cell("nan.swc", SWC[0].replace("60", "nan")), "finite"),
    Case("SWC numbers beyond 64 bit", _cell("id.swc", SWC[0].replace("7 4", "99999999999999999999 4")), "whole number"),
    Case("an H5 file of nonsense", _both(_job(('"cell.swc"', '"cell.h5"')), _h5), "not readable as H5"),
    Case("compartments of 1e-12 um", _job(("{ ncomp = 1 }", "{ max_length_um = 1e-12 }")), "compartments"),
    Case("compartments without length", _job(("{ ncomp = 1 }", "{ max_length_um = 5e-324 }")), "compartments"),
    # -- recordings
    Case("a recording that is a device", _job(('voltage = "v_1.csv"', 'voltage = "/dev/zero"')), "no plain file"),
    Case(
        "a recording that is random without end",
        _job(('voltage = "v_1.csv"', 'voltage = "/dev/urandom"')),
        "no plain file",
    ),
    Case(
        "a recording in one line of 2 GB (a hole)",
        _both(_trace("line.csv", ""), _sparse("line.csv", 2**31, b"time (ms), voltage (mV)\n")),
        "text",
    ),
    Case("a line of 10,000,000 numbers", _trace("wide.csv", "1," * 10**7), "characters"),
    Case(
        "a header of 60,000 blanks: squared by a pattern",
        _trace("blank.csv", "time (" + " " * 60_000 + "\n0 0\n"),
        "unit",
    ),
    Case("digits of another script", _trace("digits.csv", "time (ms), voltage (mV)\n0,-70\n１,-70\n"), "is no number"),
    Case("samples that are not finite", _trace("inf.csv", "time (ms), voltage (mV)\n0,-70\n1,inf\n"), "not finite"),
    Case("a pickle for a recording", _trace("v.csv", b"\x80\x04\x95cos\nsystem\n."), "pickle"),
    Case("a pickle that is called a wave", _trace("v.ibw", b"\x80\x04\x95cos\nsystem\n."), "pickle"),
    Case(
        "npy with a pickled object",
        _trace("v.dat", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
        "text",
    ),
    Case("a zip archive for a recording", _trace("v.csv", b"PK\x03\x04" + b"\0" * 60), "zip"),
    Case("a wave whose header declares 2,000,000,000 samples", _wave(64 + 12, "<l", 2 * 10**9), "at most"),
    Case("a wave with a note of 2 GB", _wave(12, "<l", 2**31 - 1), "notes"),
    Case("a wave with a note of negative length", _wave(12, "<l", -5), "notes"),
    Case("a wave of text", _wave(64 + 16, "<h", 0), "text"),
    Case(
        "a wave whose unit is an expression (neo evaluates it)", _trace("v.ibw", igor_wave(unit=b"9**9")), "is no unit"
    ),
    # -- Zarr recordings
    Case("a Zarr array of 1e12 samples", _zarr({"shape": [10**12]}), "at most"),
    Case("a Zarr array of 2^70 samples", _zarr({"shape": [2**70]}), "shape"),
    Case(
        "a chunk of 1e12 samples",
        _zarr({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [10**12]}}}),
        "chunks",
    ),
    Case(
        "100,000,000 chunks",
        _zarr({"shape": [10**8], "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1]}}}),
        "chunks",
    ),
    Case("a zstd chunk of 300 kB that holds 10 GB", _zarr({}, _zstd_bomb(10 * 2**30)), "damaged Zarr"),
    Case("a gzip chunk of 1 MB that holds 1 GB", _zarr(_codec("gzip", level=5), _gzip_bomb(2**30)), "damaged Zarr"),
    Case(
        "a blosc chunk that says it holds 2 GB",
        _zarr(_codec("blosc", typesize=8, cname="zstd", clevel=5, shuffle="noshuffle", blocksize=0), _blosc_bomb()),
        "damaged Zarr",
    ),
    Case(
        "a chunk compressed twice",
        _zarr(
            {
                "codecs": [
                    {"name": "bytes", "configuration": {"endian": "little"}},
                    *[{"name": "zstd", "configuration": {"level": 1, "checksum": False}}] * 2,
                ]
            }
        ),
        "twice",
    ),
    Case(
        "a codec that unpickles",
        _zarr({"codecs": [{"name": "numcodecs.pickle", "configuration": {}}]}),
        "uses the codec",
    ),
    Case("a codec that makes objects of JSON", _zarr({"codecs": [{"name": "numcodecs.json2"}]}), "uses the codec"),
    Case(
        "a pickling codec inside a shard",
        _zarr(
            {
                "codecs": [
                    {
                        "name": "sharding_indexed",
                        "configuration": {"chunk_shape": [10], "codecs": ["pickle"], "index_codecs": []},
                    }
                ]
            }
        ),
        "uses the codec",
    ),
    Case("samples that are Python objects", _zarr({"data_type": "object"}), "numbers are needed"),
    Case(
        "metadata nested 100,000 deep",
        _zarr({}, None, lambda f: _write(f / "v.zarr" / "zarr.json", "[" * DEEP)),
        "damaged zarr.json",
    ),
    Case(
        "times that lead out of the array's folder",
        _zarr({"attributes": {"units": "mV"}, "dimension_names": [".."]}),
        "neither times",
    ),
    Case("a chunk that is a pipe", _zarr({}, None, lambda f: _pipe_for(f / "v.zarr" / "c" / "0")), "no plain file"),
    Case(
        "a chunk that leads to a device",
        _zarr({}, None, lambda f: _link("c/0", "/dev/zero")(f / "v.zarr")),
        "no plain file",
    ),
    Case("a chunk file of 100 GB (a hole)", _zarr({}, None, _sparse("v.zarr/c/0", 100 * 2**30)), "more than a chunk"),
    # -- runs
    Case("a run's data that lead out of it", _run(_link("run.zarr/data", "/etc")), "symbolic link", STATUS),
    Case("a run's log that leads to another file", _run(_link("log.jsonl", "/etc/passwd")), "symbolic link", STATUS),
    Case(
        "a run's job that leads to a secret, for the report",
        _run(_link("job.toml", "/etc/shadow")),
        "symbolic link",
        REPORT,
    ),
    Case(
        "a folder of leftovers that leads home: all of it removed",
        _run(_link(".rallax/tmp", "..")),
        "symbolic link",
        REPORT,
    ),
    Case("a run's log that is a pipe", _run(lambda run: _pipe_for(run / "log.jsonl")), "no plain file", STATUS),
    Case(
        "a run's root document of 100 GB (a hole)",
        _run(_sparse("run.zarr/zarr.json", 100 * 2**30)),
        "more than",
        STATUS,
    ),
    Case(
        "a run's root document nested 100,000 deep",
        _run(lambda run: _write(run / "run.zarr" / "zarr.json", "[" * DEEP)),
        "JSON",
        STATUS,
    ),
    Case(
        "a number of 1e999 under a seal that holds",
        _run(
            lambda run: _write(
                run / "run.zarr" / "zarr.json",
                '{"zarr_format": 3, "node_type": "group", "attributes": {"format": "rallax-run", '
                '"format_version": 1, "x": 1e999, "committed": {"hashes": {}}}}',
            )
        ),
        "JSON",
        STATUS,
    ),
    Case("a file that is hashed without end", _run(_resolved(_files_set("/dev/zero"))), "other files", RESUME),
    Case("a file beside the one whose hash holds", _run(_resolved(_files_set("/etc/hostname"))), "other files", RESUME),
    Case(
        "work of 10^15 lanes",
        _run(_resolved(lambda tree: tree["settings"].update(starts_per_block=10**15))),
        "settings",
        RESUME,
    ),
    Case("a run of another format", _run(_resolved(lambda tree: tree.update(format=99))), "newer", STATUS),
    Case(
        "a checkpoint without its parts, sealed", _run(_sealed(_with("added_coordinates", 3))), "rallax writes", STATUS
    ),
    Case(
        "a key that leads out of the run, sealed",
        _run(_sealed(lambda a: a["committed"]["hashes"].update({"../../../../../etc/passwd": "0" * 64}))),
        "leave the run",
        STATUS,
    ),
    Case(
        "history that leads out of the run, sealed",
        _run(_sealed(lambda a: a["committed"]["history"].append({"segment": "../../..", "sha256": "0" * 64}))),
        "leave the run",
        STATUS,
    ),
    Case(
        "a sweep without what the report needs, sealed",
        _run(_sealed(lambda a: a.pop("use"), "data/step_1")),
        "rallax writes",
        STATUS,
    ),
]
