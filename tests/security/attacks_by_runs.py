"""Attacks by stored runs: links, pipes and sizes, and nonsense under hashes that hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from attack import DEEP, REPORT, RESUME, STATUS, Case, Make, link, pipe_for, sparse, write
from samples import write_run


def _run(spoil: Callable[[Path], None]) -> Make:
    """A finished run in `run`, spoiled."""

    def make(folder: Path) -> None:
        write_run(folder)
        spoil(folder / "run")

    return make


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


CASES = [
    # -- runs
    Case("a run's data that lead out of it", _run(link("run.zarr/data", "/etc")), "symbolic link", REPORT),
    Case("a run's log that leads to another file", _run(link("log.jsonl", "/etc/passwd")), "symbolic link", STATUS),
    Case(
        "a run's job that leads to a secret, for the report",
        _run(link("job.toml", "/etc/shadow")),
        "symbolic link",
        REPORT,
    ),
    Case(
        "a folder of leftovers that leads home: all of it removed",
        _run(link(".rallax/tmp", "..")),
        "symbolic link",
        REPORT,
    ),
    Case("a run's log that is a pipe", _run(lambda run: pipe_for(run / "log.jsonl")), "no plain file", STATUS),
    Case(
        "a run's root document of 100 GB (a hole)",
        _run(sparse("run.zarr/zarr.json", 100 * 2**30)),
        "more than",
        STATUS,
    ),
    Case(
        "a run's root document nested 100,000 deep",
        _run(lambda run: write(run / "run.zarr" / "zarr.json", "[" * DEEP)),
        "JSON",
        STATUS,
    ),
    Case(
        "a number of 1e999 under a seal that holds",
        _run(
            lambda run: write(
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
        # Found by the fuzz: an AttributeError where the report took the site apart.
        "a sweep whose site is a number, sealed",
        _run(_sealed(_with("site", 3), "data/step_1")),
        "rallax writes",
        REPORT,
    ),
    Case(
        "a sweep without what the report needs, sealed",
        _run(_sealed(lambda a: a.pop("site"), "data/step_1")),
        "rallax writes",
        REPORT,
    ),
]
