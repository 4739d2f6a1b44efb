"""What is installed is what is here: a subpackage that pyproject forgets would be missing from the wheel alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("sim", "fitting", "storage", "workflows")


def _pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_folder_with_code_is_a_listed_package() -> None:
    folders = {p.parent for top in PACKAGES for p in (ROOT / top).rglob("*.py") if "__pycache__" not in p.parts}
    found = {"rallax." + ".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert found == set(_pyproject()["tool"]["setuptools"]["packages"])


def test_every_data_file_is_packaged() -> None:
    patterns = _pyproject()["tool"]["setuptools"]["package-data"]["*"]
    for top in PACKAGES:
        for path in (ROOT / top).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                assert any(path.match(pattern) for pattern in patterns), path


def test_requirements_name_no_index_and_pin_exactly() -> None:
    for path in ROOT.glob("requirements*.txt"):
        for line in path.read_text().splitlines():
            text = line.partition("#")[0].strip()
            if text:
                assert "==" in text and "://" not in text and not text.startswith("-"), f"{path.name}: {line}"
