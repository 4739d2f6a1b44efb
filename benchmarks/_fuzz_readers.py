"""The readers under fuzzing: for each a folder with valid inputs, and one spoiled input after the other.

`READERS` maps a name to a class with `__init__(folder)` and `try_one(rng)`: that makes an input and reads it, and what
the reader raises goes through. What may be raised is for `_fuzz_child` to judge.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from _fuzz_mutate import TOKENS, as_json, as_toml, mutate_bytes, mutate_tree

from rallax.sim.morphology import read_reconstruction
from rallax.workflows.expression import Expression
from rallax.workflows.job import load_job
from rallax.workflows.recordings import read_recording
from rallax.workflows.resolve import ResolvedJob, resolve

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "security"))
from samples import ASC, CSV, SWC, igor_wave, write_job, write_run  # noqa: E402


class Jobs:
    """Job files, as bytes and as trees; a tenth with a change on the command line."""

    def __init__(self, folder: Path) -> None:
        self.file = write_job(folder)
        self.text = self.file.read_bytes()
        self.tree = tomllib.loads(self.text.decode())

    def try_one(self, rng: random.Random) -> None:
        spoiled = as_toml(mutate_tree(self.tree, rng)) if rng.random() < 0.6 else mutate_bytes(self.text, rng)
        overrides = []
        if rng.random() < 0.1:
            spoiled = self.text
            change = mutate_bytes(rng.choice((b"fit.steps=10", b'sweeps[0].site={ region = "soma" }')), rng)
            overrides = [change.decode(errors="surrogateescape")]
        self.file.write_bytes(spoiled)
        load_job(self.file, overrides)


class Expressions:
    """Profiles: parsed, and evaluated where they are right."""

    SEEDS = ("-0.8696 + 2.087*exp(0.0031*d)", "min(d, max(c, 2))^2", "1/(1+exp((d-300)/50))", "-d^-2**c")

    def __init__(self, folder: Path) -> None:
        del folder
        self.words = [t.decode(errors="replace") for t in TOKENS] + ["d", "c", "(", ")", "+", "exp(", "^", "1e300", "*"]

    def try_one(self, rng: random.Random) -> None:
        if rng.random() < 0.5:
            text = mutate_bytes(rng.choice(self.SEEDS).encode(), rng).decode(errors="replace")
        else:
            text = "".join(rng.choice(self.words) for _ in range(rng.choice((1, 3, 10, 40, 300))))
        found = Expression.parse(text)
        assert found.root is not None
        # Evaluation is JAX and takes milliseconds; the depth of what is parsed is what could be too much for it.
        if rng.random() < 0.02 and set(found.names) <= {"d", "c"}:
            found.evaluate({"d": 2.0, "c": 3.0})


class Resolved:
    """resolved.json, half of them with a hash that holds."""

    def __init__(self, folder: Path) -> None:
        self.text = (
            resolve(load_job(write_job(folder))).with_settings(starts_per_block=2, sweeps_per_item=[1]).to_json()
        )
        self.tree = json.loads(self.text)

    def try_one(self, rng: random.Random) -> None:
        if rng.random() < 0.3:
            text = mutate_bytes(self.text.encode(), rng).decode(errors="replace")
        else:
            tree = mutate_tree(self.tree, rng)
            if rng.random() < 0.7:
                _hash_anew(tree)
            text = as_json(tree).decode()
        ResolvedJob.from_json(text, "run/resolved.json").verify()


def _hash_anew(tree: dict[str, Any]) -> None:
    from rallax.workflows import resolve as module

    try:
        files = tuple(module.NamedFile(f["key"], f["name"], Path(f["path"]), f["sha256"]) for f in tree["files"])
        tree["hash"] = module._hash(tree["format"], tree["job"], files, tree["settings"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        tree["hash"] = "0" * 64


class _Files:
    """One file of a kind, its bytes spoiled."""

    name: str

    def __init__(self, folder: Path) -> None:
        self.file = folder / self.name
        self.seeds = self.valid()

    def valid(self) -> list[bytes]:
        raise NotImplementedError

    def read(self) -> None:
        read_reconstruction(self.file)

    def try_one(self, rng: random.Random) -> None:
        self.file.write_bytes(mutate_bytes(rng.choice(self.seeds), rng))
        self.read()


class TextTables(_Files):
    name = "v.csv"

    def valid(self) -> list[bytes]:
        return [text.encode() for text in CSV]

    def read(self) -> None:
        read_recording(self.file, "voltage")


class IgorWaves(_Files):
    name = "v.ibw"

    def valid(self) -> list[bytes]:
        return [igor_wave(version) for version in (2, 3, 5)] + [igor_wave(5, order=">")]

    def read(self) -> None:
        read_recording(self.file, "voltage")

    def try_one(self, rng: random.Random) -> None:
        seed = bytearray(rng.choice(self.seeds))
        # Most of the header decides; the samples are only numbers.
        for _ in range(rng.choice((0, 1, 2, 4))):
            seed[rng.randrange(min(len(seed), 384))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        self.file.write_bytes(bytes(seed) if rng.random() < 0.6 else mutate_bytes(bytes(seed), rng))
        self.read()


class Swc(_Files):
    name = "cell.swc"

    def valid(self) -> list[bytes]:
        return [text.encode() for text in SWC]


class Asc(_Files):
    name = "cell.asc"

    def valid(self) -> list[bytes]:
        return [text.encode() for text in ASC]


class H5(_Files):
    name = "cell.h5"

    def valid(self) -> list[bytes]:
        import morphio
        from morphio.mut import Morphology

        source = self.file.with_suffix(".asc")
        source.write_text(ASC[0])
        morphio.set_maximum_warnings(0)
        Morphology(str(source)).write(str(self.file))
        return [self.file.read_bytes()]


class ZarrArrays:
    """Zarr recordings: metadata as trees and bytes, chunks as bytes."""

    def __init__(self, folder: Path) -> None:
        import zarr

        self.arrays = []
        for k, options in enumerate(({}, {"shards": (40,), "chunks": (20,)}, {"chunks": (7,), "compressors": None})):
            path = folder / f"v{k}.zarr"
            array = zarr.create_array(path, data=np.linspace(-70, -60, 80), dimension_names=["time"], **options)
            array.attrs.update({"units": "mV", "sampling_interval_ms": 0.1})
            self.arrays.append({file: file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()})

    def try_one(self, rng: random.Random) -> None:
        files = rng.choice(self.arrays)
        document = next(f for f in files if f.name == "zarr.json")
        target = document if rng.random() < 0.7 else rng.choice(list(files))
        if target == document and rng.random() < 0.7:
            target.write_bytes(as_json(mutate_tree(json.loads(files[target]), rng)))
        else:
            target.write_bytes(mutate_bytes(files[target], rng))
        try:
            read_recording(document.parent, "voltage")
        finally:
            target.write_bytes(files[target])


class Runs:
    """Stored runs: any key spoiled as bytes, or a document as a tree with hashes that hold again."""

    def __init__(self, folder: Path) -> None:
        self.keys = write_run(folder)

    def try_one(self, rng: random.Random) -> None:
        from samples import Keys

        from rallax.storage import RunStore
        from rallax.workflows import Run
        from rallax.workflows.run_report import report_data

        keys = dict(self.keys)
        key = rng.choice(sorted(keys))
        if key.endswith((".json", ".jsonl")) and rng.random() < 0.8:
            self._tree(keys, key, rng)
        else:
            keys[key] = mutate_bytes(keys[key], rng)
        if rng.random() < 0.5:
            _seal_anew(keys)
        run = Run(RunStore(Keys(keys), write=False))
        run.status()
        run.history()
        data = report_data(run)
        if rng.random() < 0.003:
            from rallax.workflows.report import render

            render(data)

    def _tree(self, keys: dict[str, bytes], key: str, rng: random.Random) -> None:
        if key.endswith(".jsonl"):
            events = [json.loads(line) for line in keys[key].splitlines()]
            keys[key] = b"\n".join(as_json(event) for event in mutate_tree(events, rng))
            return
        tree = mutate_tree(json.loads(keys[key]), rng)
        if key == "resolved.json":
            _hash_anew(tree)
        keys[key] = as_json(tree)


def _seal_anew(keys: dict[str, bytes]) -> None:
    """Make the hashes of every group hold over what is there now: what one who knows the format can do as well."""
    from rallax.storage.documents import canonical, digest

    groups = []
    for key in sorted(keys, key=lambda k: -k.count("/")):
        if not key.endswith("zarr.json"):
            continue
        try:
            document = json.loads(keys[key])
            committed = document["attributes"]["committed"]
            prefix = key.removesuffix("zarr.json")
            for inner in committed["hashes"]:
                committed["hashes"][inner] = digest(keys[prefix + inner])
            groups.append((key, document, committed))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    segments: dict[str, str] = {}
    # Segments of the history before the checkpoints, which hold their hashes.
    for key, document, committed in sorted(groups, key=lambda g: "/history/" not in g[0]):
        try:
            for entry in committed.get("history", []):
                entry["sha256"] = segments.get(entry["segment"], entry["sha256"])
            unsigned = {name: value for name, value in committed.items() if name != "digest"}
            committed["digest"] = digest(canonical({**document["attributes"], "committed": unsigned}))
            keys[key] = as_json(document)
            segments[key.removeprefix("run.zarr/").removesuffix("/zarr.json")] = hashlib.sha256(keys[key]).hexdigest()
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


READERS: dict[str, type[Any]] = {
    "jobs": Jobs,
    "expressions": Expressions,
    "resolved jobs": Resolved,
    "text tables": TextTables,
    "igor waves": IgorWaves,
    "zarr arrays": ZarrArrays,
    "SWC": Swc,
    "ASC": Asc,
    "H5": H5,
    "runs": Runs,
}
