"""A run's files, log, sweeps, parameters and traces; how it is created and opened."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rallax.storage import (
    Group,
    LocalStore,
    NotARun,
    NotStorable,
    NotWritable,
    ParameterTable,
    RunExists,
    RunStore,
    StorageError,
    Variable,
)


def files_below(path: Path) -> set[str]:
    return {str(p.relative_to(path)) for p in path.rglob("*")}


def test_a_new_run_holds_what_it_was_given(run):
    again = RunStore.open(run.location)
    assert again.attributes == {"format": "rallax-run", "format_version": 1, "job_hash": "abc", "seeds": [0]}
    assert again.read_file("job.toml") == b"name = 'x'\n"
    assert again.sweeps() == ["IV_265"] and again.traces() == []
    sweep = again.read_sweep("IV_265")
    assert sweep.attrs == {"use": "train"}
    assert sweep["voltage"].dims == ("site", "time") and sweep["voltage"].units == "mV"
    assert sweep["site"].data.tolist() == [0]
    table = again.read_parameters()
    assert table.names == ("g", "e") and table.transforms == ("log", "sigmoid") and table.units == ("S/cm^2", "mV")
    assert table.lower.tolist() == [0.0, -90.0]
    assert again.latest() is None and again.history() == {} and again.verify() == []
    assert not list(Path(run.location).glob(".rallax/tmp/*")) and not Path(run.location, ".rallax/creating").exists()


def test_creating_over_a_run_is_refused_and_changes_nothing(run, kit):
    before = files_below(Path(run.location))
    with pytest.raises(RunExists, match="already here"):
        kit.make_run(Path(run.location))
    assert files_below(Path(run.location)) == before


def test_creating_in_a_directory_with_other_things_is_refused(tmp_path, kit):
    (tmp_path / "job.toml").write_text("mine")
    with pytest.raises(RunExists, match="not empty"):
        kit.make_run(tmp_path)
    assert files_below(tmp_path) == {"job.toml"} and (tmp_path / "job.toml").read_text() == "mine"


def test_an_empty_directory_is_used_and_left_when_creation_fails(tmp_path, kit):
    place = tmp_path / "empty"
    place.mkdir()
    store = kit.FaultyStore(LocalStore(place), at=5)
    with pytest.raises(StorageError, match="No space left"):
        kit.make_run(store)
    assert files_below(tmp_path) == {"empty"}
    kit.make_run(place)


def test_a_creation_that_fails_leaves_the_run_of_who_was_faster(tmp_path, kit):
    """One is stopped for long within its creation; another clears what it left, and makes and writes its run there."""
    for at in range(1, 30):
        place = tmp_path / str(at)
        store = kit.FaultyStore(LocalStore(place))

        def other_is_faster(_: str, store=store, at=at, place=place) -> None:
            if len(store.writes) == at:
                store.before = lambda name: None
                run = kit.make_run(place)
                run.claim_epoch()
                fit = kit.ToyFit()
                run.commit(fit.tree(), history=fit.advance(1), step=0)
                raise KeyboardInterrupt

        store.before = other_is_faster
        try:
            kit.make_run(store)
        except KeyboardInterrupt:
            assert RunStore.open(place).verify() == [] and RunStore.open(place).latest() is not None
        else:
            break
    assert at > 5


@pytest.fixture
def unwritable() -> Iterator[Path]:
    """A directory in which this process may not write (root gives up its rights for the test)."""
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    (base / "closed").mkdir(mode=0o555)
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(65534)
    try:
        yield base / "closed"
    finally:
        if as_root:
            os.seteuid(0)
        shutil.rmtree(base)


def test_an_unwritable_directory_is_one_clear_error_and_nothing_is_left(unwritable, kit):
    for place in (unwritable, unwritable / "new" / "run"):
        with pytest.raises(NotWritable, match=r"^[^\n]*closed[^\n]*: Permission denied; choose a directory"):
            kit.make_run(place)
    assert files_below(unwritable) == set()


def test_a_run_that_may_not_be_written_can_be_read(run, kit):
    run.claim_epoch()
    fit = kit.ToyFit()
    history = fit.advance(2)
    run.commit(fit.tree(), history=history, step=2)
    root = Path(run.location)
    copy = Path(tempfile.mkdtemp()) / "run"
    shutil.copytree(root, copy)
    copy.parent.chmod(0o755)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(65534)
    try:
        reader = RunStore.open(copy, write=True)
        kit.assert_state(reader, step=2)
        for act in (
            reader.claim_epoch,
            lambda: reader.log({"a": 1}),
            lambda: reader.write_file("report.html", b""),
            lambda: reader.write_traces("IV_265", {"voltage": Variable(np.ones(2), ("start",))}),
        ):
            with pytest.raises(NotWritable, match=r"^[^\n]+ denied; choose[^\n]+$"):
                act()
        kit.assert_state(reader, step=2)
    finally:
        if as_root:
            os.seteuid(0)
        for path in [copy, *copy.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(copy.parent)


@pytest.mark.parametrize("below", ["", "/deeper/run"])
def test_a_file_in_the_way_is_named(tmp_path, kit, below):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotWritable, match=r"file[^\n]*irectory"):
        kit.make_run(Path(f"{tmp_path}/file{below}"))
    assert files_below(tmp_path) == {"file"}


@pytest.mark.parametrize("place", ["ftp://bucket/run", "s3://", "s3:///run", "s3://bucket/../run", "", "a\0b"])
def test_places_that_hold_no_run_are_refused(place, kit):
    with pytest.raises(NotARun, match=r"^[^\n]+$"):
        kit.make_run(place)


def test_nothing_to_open(tmp_path):
    with pytest.raises(NotARun, match="no run is here"):
        RunStore.open(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotARun, match="no run is here"):
        RunStore.open(tmp_path / "file")
    assert files_below(tmp_path) == {"file"}


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "run.zarr/zarr.json", "log.jsonl", ".rallax/creating", ""]
)
def test_file_names_stay_inside_and_off_the_runs_own(run, name):
    for act in (lambda: run.write_file(name, b"x"), lambda: run.read_file(name)):
        with pytest.raises(NotStorable, match=r"^file [^\n]+$"):
            act()


def test_files_are_replaced_and_missing_ones_named(run):
    run.write_file("report.html", b"1")
    run.write_file("report.html", b"22")
    run.write_file("code/model.py", b"x = 1")
    assert run.read_file("report.html") == b"22" and run.read_file("code/model.py") == b"x = 1"
    with pytest.raises(StorageError, match=r"other\.html: this file is not in the run"):
        run.read_file("other.html")


def test_sweeps_and_traces_are_replaced_whole(run):
    long = {"voltage": Variable(np.ones((4, 1, 9)), ("start", "site", "time"), "mV")}
    run.write_traces("IV_265", long, {"step": 5})
    short = {"voltage": Variable(np.zeros((2, 1, 9), np.float32), ("start", "site", "time"), "mV")}
    run.write_traces("IV_265", short, {"step": 10})
    back = RunStore.open(run.location).read_traces("IV_265")
    assert back["voltage"].data.shape == (2, 1, 9) and back["voltage"].data.dtype == np.float32
    assert back.attrs == {"step": 10} and run.traces() == ["IV_265"] and run.verify() == []
    with pytest.raises(StorageError, match=r"no sweep 'x' in this run; there are IV_265"):
        run.read_sweep("x")
    with pytest.raises(NotStorable, match="sweep"):
        run.write_sweep("a/b", short)


def test_a_reader_does_not_write(run):
    reader = RunStore.open(run.location)
    for act in (reader.claim_epoch, lambda: reader.log({}), lambda: reader.write_file("a", b"")):
        with pytest.raises(NotWritable, match="write=True"):
            act()


def test_the_log_keeps_order_and_bears_a_torn_line(run):
    run.log({"event": "start", "loss": np.float32(0.5), "bad": [float("nan"), float("-inf")], "n": np.arange(2)})
    log = Path(run.location) / "log.jsonl"
    with log.open("ab") as file:
        file.write(b'{"event": "to')  # as a process leaves it that is killed while writing
    assert [event["event"] for event in run.read_log()] == ["start"]
    later = RunStore.open(run.location, write=True)
    later.log({"event": "resume"})
    later.log({"event": "end", "time": "given"})
    events = RunStore.open(run.location).read_log()
    assert [event["event"] for event in events] == ["start", "resume", "end"]
    assert events[0]["bad"] == ["NaN", "-Infinity"] and events[0]["n"] == [0, 1] and events[0]["loss"] == 0.5
    assert events[2]["time"] == "given" and events[0]["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ParameterTable(("a",), [0.0, 1.0], [1.0], ("",), ("log",)), "lower"),
        (lambda: ParameterTable(("a",), [0.0], [1.0], (), ("log",)), "units"),
        (lambda: Group({"time": Variable(np.ones((2, 2)), ("time", "site"))}), "'time'"),
        (lambda: Group({"a": Variable(np.ones(2), ("t",)), "b": Variable(np.ones(3), ("t",))}), "'b'"),
    ],
)
def test_tables_and_groups_that_do_not_fit_are_refused(make, says):
    with pytest.raises(NotStorable, match=says):
        make()


@pytest.mark.parametrize(
    "attributes", [{"format": "x"}, {"committed": 1}, {"x": float("inf")}, {"x": {1: 2}}, {"x": b""}]
)
def test_run_attributes_are_plain_json(tmp_path, attributes):
    with pytest.raises(NotStorable, match=r"^run attributes[^\n]+$"):
        RunStore.create(tmp_path / "run", attributes=attributes, files={})
    assert files_below(tmp_path) == set()
