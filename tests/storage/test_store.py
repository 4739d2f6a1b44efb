"""The contract of a store, for every implementation."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rallax.storage import DamagedRun, LocalStore, NotStorable, RemoteStore, Store


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        return RemoteStore(request.getfixturevalue("s3_place"))
    return LocalStore(tmp_path / "deep" / "run")


def test_what_is_put_is_got_and_replaced(store):
    assert store.get("a/b") is None
    store.put("a/b", b"1")
    store.put("a/b", b"")
    assert store.get("a/b") == b""
    assert store.get("a") is None and store.get("a/b/c") is None
    store.sync()


def test_children_are_the_next_names_only(store):
    for key in ("x/b", "x/a/c", "y"):
        store.put(key, b"1")
    assert store.children("x") == ["a", "b"]
    assert store.children("none") == [] and store.children("y") == []


def test_an_exclusive_put_has_one_winner(store):
    won = []

    def attempt(name: bytes) -> None:
        try:
            store.put("claim", name, exclusive=True)
            won.append(name)
        except FileExistsError:
            pass

    threads = [threading.Thread(target=attempt, args=(bytes([i]),)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and store.get("claim") == won[0]


def test_delete_tree_takes_keys_and_folders_and_bears_their_absence(store):
    store.put("x/a", b"1")
    store.put("x/b/c", b"1")
    store.delete_tree("x", first="a")
    store.delete_tree("x")
    assert store.children("x") == [] and store.get("x/b/c") is None
    store.put("x", b"now a key")
    store.delete_tree("x")
    assert store.get("x") is None
    store.sync()


def test_append_adds_at_the_end(store):
    store.append("log", b"a\n")
    store.append("log", b"b\n")
    assert store.read_appended("log") == b"a\nb\n"
    assert store.read_appended("none") == b"" and "log" in store.children("")
    assert store.read_appended("log", 1) == b"\n" and store.read_appended("log", 3) == b"\nb\n"
    assert store.read_appended("log", 99) == b"a\nb\n" and store.read_appended("none", 1) == b""


def test_two_processes_append_without_taking_a_line_from_each_other(store):
    store.append("log", b"a\n")
    other = type(store)(Path(store.location) if isinstance(store, LocalStore) else store.location)
    other.append("log", b"b\n")
    store.append("log", b"c\n")
    assert sorted(store.read_appended("log").split()) == [b"a", b"b", b"c"]


def test_many_keys_at_once(store):
    items = {f"x/{n}": bytes([n]) for n in range(40)}
    store.put_all(items)
    store.sync()
    assert store.get_all([*items, "x/none"]) == {**items, "x/none": None}
    assert len(store.children("x")) == 40
    store.delete_tree("x", first="7")
    assert store.children("x") == []


@pytest.mark.parametrize("size", [1, 200_000], ids=["small", "written in threads"])
def test_a_tree_of_many_keys_at_once(store, size):
    items = {"document": b"", **{f"{n % 7}/c/{n}": bytes([n]) * size for n in range(40)}}
    store.put_tree("deep/x", items)
    store.sync()
    assert store.get_all(f"deep/x/{key}" for key in items) == {f"deep/x/{key}": data for key, data in items.items()}
    assert store.children("deep/x") == [*map(str, range(7)), "document"]


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".", "a/\0"])
def test_keys_stay_inside(store, key):
    acts = [lambda: store.get(key), lambda: store.put(key, b""), lambda: store.delete_tree(key)]
    for act in (*acts, lambda: store.put_tree(key, {"a": b""})):
        with pytest.raises(NotStorable, match="would leave the run"):
            act()


def test_tidy_removes_what_a_killed_write_left_and_nothing_else(tmp_path):
    store = LocalStore(tmp_path)
    store.put("a", b"1")
    (tmp_path / ".rallax/tmp/torn").write_bytes(b"half")
    (tmp_path / ".rallax/tmp/folder").mkdir()
    (tmp_path / ".rallax/tmp/folder/x").write_bytes(b"")
    store.tidy()
    assert list((tmp_path / ".rallax/tmp").iterdir()) == [] and store.get("a") == b"1"


def test_a_tree_that_cannot_be_written_leaves_nothing(tmp_path):
    store = LocalStore(tmp_path / "run")
    store.put("x/a", b"1")
    (tmp_path / "outside").mkdir()
    (tmp_path / "run" / "y").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="not empty"):
        store.put_tree("x", {"a": b"2"})
    with pytest.raises(FileExistsError):
        store.put_tree("z", {"a": b"2", "a/b": b"3"})
    with pytest.raises(NotStorable, match="would leave the run"):
        store.put_tree("z", {"a": b"2", "../b": b"3"})
    with pytest.raises(DamagedRun, match=r"run/y: is a symbolic link"):
        store.put_tree("y/z", {"b": b"2"})
    assert store.get("x/a") == b"1" and store.children("") == [".rallax", "x", "y"]
    assert store.children(".rallax/tmp") == [] and list((tmp_path / "outside").iterdir()) == []


def test_a_tree_appears_whole(tmp_path):
    store = LocalStore(tmp_path)
    items = {f"{n}/a": b"x" for n in range(200)}
    stop, seen = threading.Event(), set()

    def read() -> None:
        while not stop.is_set():
            seen.add(len(store.children("tree")))

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(10):
        store.put_tree("tree", items)
        store.delete_tree("tree")
    stop.set()
    thread.join()
    assert seen <= {0, len(items)}


def test_readers_of_a_key_see_the_old_or_the_new_bytes(tmp_path):
    store = LocalStore(tmp_path)
    store.put("k", b"a" * 100_000)
    stop = threading.Event()
    seen = set()

    def read() -> None:
        while not stop.is_set():
            data = store.get("k")
            assert data is not None
            seen.add((len(data), len(set(data))))

    thread = threading.Thread(target=read)
    thread.start()
    for n in range(30):
        store.put("k", bytes([97 + n % 2]) * 100_000)
    stop.set()
    thread.join()
    assert seen == {(100_000, 1)}


def test_abandon_takes_back_only_empty_directories_of_its_own(tmp_path):
    (tmp_path / "mine").mkdir()
    store = LocalStore(tmp_path / "mine" / "new" / "run")
    store.put("a", b"1")
    store.delete_tree("a")
    store.delete_tree(".rallax")
    store.abandon()
    assert list((tmp_path / "mine").iterdir()) == []


def inodes(folder):
    return {path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_a_deleted_tree_is_written_over_by_the_next_of_its_keys(tmp_path):
    store = LocalStore(tmp_path / "run")
    store.put_tree("t/1", {"document": b"first", "a/c/0": b"12345", "b": b"1"})
    store.sync()
    before = inodes(tmp_path / "run" / "t" / "1")
    store.delete_tree("t/1", first="document")
    assert store.children("t") == [] and store.get("t/1/b") is None
    store.put_tree("t/2", {"document": b"second", "other": b"1"})  # not of its keys
    assert not inodes(tmp_path / "run" / "t" / "2") & before
    items = {"document": b"third", "a/c/0": b"123", "b": b"1234567"}
    store.put_tree("t/3", items)
    assert inodes(tmp_path / "run" / "t" / "3") == before
    assert {key: store.get(f"t/3/{key}") for key in items} == items


def test_what_others_did_in_a_deleted_tree_does_not_reach_the_next(tmp_path):
    run, outside = tmp_path / "run", tmp_path / "outside"
    store = LocalStore(run)
    outside.write_bytes(b"0")

    def add_a_key() -> None:
        store.put("t/1/more", b"")

    def keep_a_copy() -> None:
        (tmp_path / "copy").hardlink_to(run / "t/1/a/b")

    def make_it_a_link() -> None:
        (run / "t/1/a/b").unlink()
        (run / "t/1/a/b").symlink_to(outside)

    def make_its_folder_a_link() -> None:
        (run / "t/1/a").rename(tmp_path / "moved")
        (run / "t/1/a").symlink_to(tmp_path / "moved")

    def remove_it() -> None:
        (run / "t/1/a/b").unlink()

    def make_it_read_only() -> None:
        (run / "t/1/a/b").chmod(0o400)

    for change in (add_a_key, keep_a_copy, make_it_a_link, make_its_folder_a_link, remove_it, make_it_read_only):
        store.put_tree("t/1", {"document": b"1", "a/b": b"2"})
        store.sync()
        change()
        store.delete_tree("t/1", first="document")
        store.put_tree("t/2", {"document": b"3", "a/b": b"4"})
        assert store.children("t/2") == ["a", "document"] and store.get("t/2/a/b") == b"4"
        store.delete_tree("t/2")
        store.release()
        assert store.children(".rallax/tmp") == []
    assert (tmp_path / "copy").read_bytes() == b"2" and outside.read_bytes() == b"0"
    assert (tmp_path / "moved" / "b").read_bytes() == b"2"


def test_a_spare_tree_that_another_process_removed_is_made_anew(tmp_path):
    store, items = LocalStore(tmp_path), {"document": b"1", "a/b": b"2"}
    store.put_tree("t/1", items)
    store.sync()
    store.delete_tree("t/1", first="document")
    LocalStore(tmp_path).tidy()
    assert store.children(".rallax/tmp") == []
    store.put_tree("t/2", items)
    assert store.get("t/2/a/b") == b"2"


def test_a_tree_that_is_not_durable_yet_is_not_kept(tmp_path):
    store = LocalStore(tmp_path)
    store.put_tree("t/1", {"document": b"1"})
    store.delete_tree("t/1", first="document")
    assert store.children(".rallax/tmp") == []


def test_few_bytes_are_kept(tmp_path):
    store = LocalStore(tmp_path)
    for n in range(9):
        store.put_tree(f"t/{n}", {"document": bytes(2**20)})
    store.sync()
    for n in range(9):
        store.delete_tree(f"t/{n}", first="document")
    assert len(store.children(".rallax/tmp")) == 4
    store.release()
    assert store.children(".rallax/tmp") == []
