"""The contract of a store, for every implementation."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rallax.storage import LocalStore, NotStorable, RemoteStore, Store


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


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".", "a/\0"])
def test_keys_stay_inside(store, key):
    for act in (lambda: store.get(key), lambda: store.put(key, b""), lambda: store.delete_tree(key)):
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
