"""Fixtures: NEURON's importer as oracle, and SWC text as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def neuron_sections() -> Iterator[Callable[[Path], list[Any]]]:
    """Call with a file for the sections that NEURON makes of it; they are gone after the test."""
    neuron = pytest.importorskip("neuron")
    h = neuron.h
    h.load_file("stdlib.hoc")
    h.load_file("import3d.hoc")

    def clear() -> None:
        for section in list(h.allsec()):
            h.delete_section(sec=section)

    def load(path: Path) -> list[Any]:
        clear()
        reader = h.Import3d_Neurolucida3() if path.suffix == ".asc" else h.Import3d_SWC_read()
        reader.quiet = 1
        reader.input(str(path))
        h.Import3d_GUI(reader, 0).instantiate(None)
        return list(h.allsec())

    yield load
    clear()


@pytest.fixture
def swc(tmp_path: Path) -> Callable[[str], Path]:
    """Write SWC text to a file."""

    def write(text: str) -> Path:
        path = tmp_path / "cell.swc"
        path.write_text(text)
        return path

    return write
