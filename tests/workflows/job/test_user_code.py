"""Python that a job names: from files and modules, loaded once, its faults told with their line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rallax.workflows.entry import check_entry, parse_entry
from rallax.workflows.errors import UserError
from rallax.workflows.user_code import load_entry, source_of


def test_a_file_is_loaded_once_as_long_as_it_stays_the_same(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n"
        "@dataclass\nclass Point:\n    x: float = 1.0\n",
        encoding="utf-8",
    )
    point = load_entry("mine.py:Point", tmp_path)
    assert point().x == 1.0
    assert load_entry("mine.py:Point", tmp_path) is point
    file.write_text("Point = 2\n", encoding="utf-8")
    assert load_entry("mine.py:Point", tmp_path) == 2


def test_two_files_of_one_name_do_not_mix(tmp_path: Path) -> None:
    for folder, value in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "loss.py").write_text(f"f = {value}\n", encoding="utf-8")
    assert [load_entry("loss.py:f", tmp_path / folder) for folder in "ab"] == [1, 2]


def test_modules(tmp_path: Path) -> None:
    assert load_entry("math:sqrt", tmp_path)(4.0) == 2.0
    assert source_of("json.decoder:loads", tmp_path) is not None
    assert source_of("sys:path", tmp_path) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x = 1\ny = 1 / 0\n", "mine.py:2: ZeroDivisionError"),
        ("def f(:\n", "mine.py:1: SyntaxError"),
        ("import sys\nsys.exit(3)\n", "mine.py:2: SystemExit"),
        ("from nothing_like_this import f\n", "mine.py:1: ModuleNotFoundError"),
        ("def fit(): pass\n", "mine.py has no 'f'; did you mean 'fit'"),
        ("raise ValueError('a\\nb')\n", "ValueError: a b"),
    ],
)
def test_faults_in_a_file(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(content, encoding="utf-8")
    before = set(sys.modules)
    with pytest.raises(UserError) as raised:
        load_entry("mine.py:f", tmp_path)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    if "has no" not in words:
        assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("mine.py:f", "mine.py is not there"),
        ("no.such.module:f", "no module 'no' here"),
        ("json.nothing:f", "no module 'json.nothing' here"),
        ("json:lods", "did you mean 'loads'"),
        ("json", "names nothing in Python"),
        ("json:", "names nothing in Python"),
        (":f", "names nothing in Python"),
        ("json:a-b", "is no name in Python"),
        ("my file:f", "neither a .py file nor a module"),
    ],
)
def test_entries_that_name_nothing(tmp_path: Path, entry: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_entry(entry, tmp_path)


def test_entries_are_taken_apart() -> None:
    assert (parse_entry("cells/a.py:build").place, parse_entry("cells/a.py:build").name) == ("cells/a.py", "build")
    assert parse_entry("a.py:build").is_file
    assert not parse_entry("a.b:build").is_file
    assert check_entry("a.b:build") is None
