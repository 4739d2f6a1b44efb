"""Runs that were altered, torn, foreign or newer: one clear error each, and what is whole stays readable."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rallax.storage import DamagedRun, NewerFormat, NotARun, RunStore, StorageError, Variable

LAST = "run.zarr/checkpoints/seq-000003-epoch-0001"


@pytest.fixture
def place(run: RunStore, kit) -> Path:
    """A run with three checkpoints (steps 2, 4, 6) and traces."""
    run.claim_epoch()
    fit = kit.ToyFit()
    for _ in range(3):
        history = fit.advance(2)
        run.commit(fit.tree(), history=history, step=fit.step)
    run.write_traces("IV_265", {"voltage": Variable(np.ones((2, 1, 9)), ("start", "site", "time"), "mV")})
    return Path(run.location)


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x01
    path.write_bytes(bytes(data))


def one_line(error: pytest.ExceptionInfo[StorageError], *parts: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    for part in parts:
        assert part in text, text


DAMAGE: dict[str, Callable[[Path], None]] = {
    "first byte flipped": lambda path: flip(path, 0),
    "byte in the middle flipped": lambda path: flip(path, path.stat().st_size // 2),
    "last byte flipped": lambda path: flip(path, -1),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "emptied": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("key", ["x/c/0", "x/zarr.json", "optimizer/count/c", "optimizer/zarr.json"])
def test_a_damaged_file_of_the_newest_checkpoint_is_named_and_the_one_before_is_found(place, kit, key, how):
    path = place / LAST / key
    DAMAGE[how](path)
    run = RunStore.open(place, write=True)
    with pytest.raises(DamagedRun) as error:
        run.latest(strict=True)
    one_line(error, str(path), "restore")
    latest = run.latest()
    assert latest.step == 4 and latest.tree["step"] == 4
    assert [damage.path for damage in latest.skipped] == [str(place / LAST / "zarr.json")]
    assert str(path) in latest.skipped[0].reason
    assert [damage.path for damage in run.verify()] == [str(path)]
    with pytest.raises(DamagedRun):
        run.claim_epoch()
    assert run.claim_epoch(strict=False) == 1 + 1
    fit = kit.ToyFit(run.latest())
    history = fit.advance(2)
    run.commit(fit.tree(), history=history, step=fit.step)
    kit.assert_state(RunStore.open(place), step=6)
    assert run.verify() == []


def test_any_flipped_bit_of_the_commit_key_is_found_or_changes_nothing(place, kit):
    path = place / LAST / "zarr.json"
    whole = path.read_bytes()
    found = 0
    for position in range(0, len(whole), 7):
        data = bytearray(whole)
        data[position] ^= 1 << (position % 7)
        path.write_bytes(bytes(data))
        try:
            kit.assert_state(RunStore.open(place), step=6)
        except DamagedRun as error:
            assert str(path) in str(error) and "\n" not in str(error)
            assert RunStore.open(place).latest().step == 4
            found += 1
    assert found > 0.8 * len(range(0, len(whole), 7))  # the rest are blanks between the entries


def test_a_torn_commit_key_is_skipped_and_named(place):
    path = place / LAST / "zarr.json"
    for data in (b"", b"{", b"null", b"[" * 100_000, b"\xff\xfe", b'{"zarr_format": NaN}', path.read_bytes()[:200]):
        path.write_bytes(data)
        run = RunStore.open(place)
        with pytest.raises(DamagedRun) as error:
            run.latest(strict=True)
        one_line(error, str(path))
        assert run.latest().step == 4 and [commit.step for commit in run.commits()] == [2, 4]
    path.unlink()  # as if the commit had never been made
    assert RunStore.open(place).latest(strict=True).step == 4


def test_a_copy_under_another_number_is_no_checkpoint(place):
    shutil.copytree(place / LAST, place / "run.zarr/checkpoints/seq-000004-epoch-0001")
    run = RunStore.open(place)
    with pytest.raises(DamagedRun, match="copy of another checkpoint"):
        run.latest(strict=True)
    assert run.latest().step == 6


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("key", ["loss/c/0/0", "zarr.json"])
def test_a_damaged_history_segment_takes_the_checkpoints_that_cover_it(place, key, how):
    path = place / "run.zarr/history/segment-000002-epoch-0001" / key
    DAMAGE[how](path)
    run = RunStore.open(place)
    with pytest.raises(DamagedRun) as error:
        run.latest(strict=True)
    one_line(error, str(path.parent.parent) if key == "zarr.json" else str(path))
    latest = run.latest()
    assert latest.step == 2 and len(latest.skipped) == 2
    assert run.history()["loss"].data.shape == (2, 3)
    assert [damage.path for damage in run.verify()] == [str(path)]


def test_a_segment_exchanged_for_another_whole_one_is_found(place):
    history = place / "run.zarr/history"
    shutil.rmtree(history / "segment-000002-epoch-0001")
    shutil.copytree(history / "segment-000001-epoch-0001", history / "segment-000002-epoch-0001")
    with pytest.raises(DamagedRun, match="not the segment that was committed"):
        RunStore.open(place).latest(strict=True)
    assert [d.path for d in RunStore.open(place).verify()] == [str(history / "segment-000002-epoch-0001/zarr.json")]


def test_when_nothing_committed_is_whole_the_fit_does_not_start_from_nothing(place):
    for path in place.glob("run.zarr/checkpoints/*/x/c/0"):
        flip(path, 5)
    run = RunStore.open(place, write=True)
    for act in (run.latest, run.history, lambda: run.claim_epoch(strict=False)):
        with pytest.raises(DamagedRun, match=r"^[^\n]*seq-000003[^\n]*no older checkpoint is whole"):
            act()
    assert not list(place.glob(".rallax/epochs/00000002*"))


@pytest.mark.parametrize(
    ("key", "read"),
    [
        ("data/IV_265/voltage/c/0/0", lambda run: run.read_sweep("IV_265")),
        ("data/IV_265/zarr.json", lambda run: run.read_sweep("IV_265")),
        ("parameters/lower/c/0", lambda run: run.read_parameters()),
        ("traces/IV_265/voltage/zarr.json", lambda run: run.read_traces("IV_265")),
    ],
)
def test_damaged_data_are_named_and_the_rest_is_usable(place, kit, key, read):
    flip(place / "run.zarr" / key, 9)
    run = RunStore.open(place, write=True)
    with pytest.raises(DamagedRun) as error:
        read(run)
    one_line(error, str(place / "run.zarr" / key))
    assert [damage.path for damage in run.verify()] == [str(place / "run.zarr" / key)]
    assert run.sweeps() == ["IV_265"]
    run.claim_epoch()
    kit.assert_state(run, step=6)


def root(place: Path) -> tuple[Path, dict]:
    path = place / "run.zarr/zarr.json"
    return path, json.loads(path.read_bytes())


def test_a_newer_format_says_to_upgrade(place):
    path, document = root(place)
    document["attributes"]["format_version"] = 2
    path.write_text(json.dumps(document))
    with pytest.raises(NewerFormat) as error:
        RunStore.open(place)
    one_line(error, str(path), "format 2 is newer than 1", "upgrade")


@pytest.mark.parametrize("version", [0, "1", None, 1.5, True])
def test_an_unknown_version_is_damage(place, version):
    path, document = root(place)
    document["attributes"]["format_version"] = version
    path.write_text(json.dumps(document))
    with pytest.raises(DamagedRun) as error:
        RunStore.open(place)
    one_line(error, str(path))


@pytest.mark.parametrize(("name", "value"), [("job_hash", "abd"), ("seeds", [1]), ("format", "rallax-rum")])
def test_an_altered_root_attribute_is_found(place, name, value):
    path, document = root(place)
    document["attributes"][name] = value
    path.write_text(json.dumps(document))
    with pytest.raises(DamagedRun) as error:
        RunStore.open(place)
    one_line(error, str(path))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\x00" * 100])
def test_a_torn_root_is_named(place, data):
    path, _ = root(place)
    path.write_bytes(data)
    with pytest.raises(DamagedRun) as error:
        RunStore.open(place)
    one_line(error, str(path))


def test_foreign_directories_are_no_runs(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("x")
    with pytest.raises(NotARun, match="no run is here"):
        RunStore.open(tmp_path / "a")
    zarr = pytest.importorskip("zarr")
    zarr.open_group(tmp_path / "b/run.zarr", mode="w", zarr_format=3)
    with pytest.raises(NotARun, match="another program"):
        RunStore.open(tmp_path / "b")


def test_an_interrupted_creation_is_no_run_and_can_be_started_again(tmp_path, kit):
    from rallax.storage import LocalStore

    store = kit.FaultyStore(LocalStore(tmp_path / "run"), 20, "die before")
    with pytest.raises(kit.Killed):
        kit.make_run(store)
    with pytest.raises(NotARun, match="creation of this run was interrupted; start it again"):
        RunStore.open(tmp_path / "run")
    kit.make_run(tmp_path / "run")


def test_a_damaged_claim_is_named(place):
    path = place / ".rallax/epochs/00000001.json"
    flip(path, 10)
    run = RunStore.open(place, write=True)
    for act in (run.latest, run.claim_epoch, run.commits):
        with pytest.raises(DamagedRun) as error:
            act()
        one_line(error, str(path))
    assert [damage.path for damage in run.verify()] == [str(path)]


def test_hashes_that_point_outside_are_refused(place):
    from rallax.storage.documents import group_document, open_group, open_seal, seal

    path = place / LAST / "zarr.json"
    own, facts = open_seal(open_group(path.read_bytes(), "x"), "x")
    hashes = facts.pop("hashes")
    path.write_bytes(group_document(seal(own, hashes | {"../../../../job.toml": "0" * 64}, facts)))
    with pytest.raises(StorageError, match=r"^[^\n]*would leave the run$"):
        RunStore.open(place).latest(strict=True)


def test_whatever_happens_to_a_file_readers_answer_rightly_or_with_one_line(place, kit):
    """Every file of the zarr data, mangled at random, one at a time."""
    draw = random.Random(0)
    files = sorted(p for p in (place / "run.zarr").rglob("*") if p.is_file())
    refused = 0
    for number in range(len(files)):
        path = files[number % len(files)]
        whole = path.read_bytes()
        mangled = bytearray(whole)
        for _ in range(draw.choice((1, 1, 1, 5))):
            at = draw.randrange(len(mangled) + 1)
            mangled[at : at + draw.choice((0, 1, 1, 40))] = draw.randbytes(draw.choice((0, 1, 1, 3)))
        path.write_bytes(bytes(mangled))
        for read in (
            lambda: kit.assert_state(RunStore.open(place), step=6),
            lambda: RunStore.open(place).read_sweep("IV_265")["voltage"],
            lambda: RunStore.open(place).read_parameters(),
            lambda: RunStore.open(place).read_traces("IV_265")["voltage"],
            lambda: RunStore.open(place).commits(),
        ):
            try:
                read()
            except StorageError as error:
                assert "\n" not in str(error) and str(path.relative_to(place)).split("/")[1] in str(error)
                refused += 1
        path.write_bytes(whole)
    assert refused > len(files) // 2
    kit.assert_state(RunStore.open(place), step=6)
