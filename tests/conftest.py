"""Shared test setup: float64 in JAX, and the places of peers' and recorded data."""

from __future__ import annotations

import os
from pathlib import Path

import jax
import pytest

jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real cells and recordings; the test skips where there is none."""
    path = Path(os.environ.get("RALLAX_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"recorded data are not here: {path} (set RALLAX_DATA)")
    return path
