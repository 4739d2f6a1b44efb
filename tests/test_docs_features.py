"""docs/features.md has every row of the specification, and the tests that it names exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "features.md"
_NUMBERS = {"A": 5, "B": 2, "C": 2, "D": 1, "E": 2, "F": 3, "G": 2, "H": 6, "J": 3, "K": 1}
ROWS = [f"{letter}{i}" for letter, n in _NUMBERS.items() for i in range(1, n + 1)]


def table() -> dict[str, list[str]]:
    """Row -> the tests that it names, "file::function"."""
    lines = re.findall(r"^\| ([A-Z]\d) \|.*\| ([^|]*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {row: re.findall(r"`([^`]+)`", shown) for row, shown in lines}


def test_every_row_is_there() -> None:
    assert list(table()) == ROWS


def test_every_row_is_shown_by_tests_that_exist() -> None:
    functions: dict[str, set[str]] = {}
    for row, tests in table().items():
        assert tests, f"{row} names no test"
        for test in tests:
            file, _, function = test.partition("::")
            if file not in functions:
                tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
                functions[file] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert function.startswith("test_") and function in functions[file], f"{row}: {test}"


def test_every_integrator_is_told() -> None:
    from rallax.sim import solvers

    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in solvers.NAMES if f'"{name}"' not in page] == []
