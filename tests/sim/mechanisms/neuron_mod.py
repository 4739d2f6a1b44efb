"""NEURON with our own MOD files of the layer-5 mechanisms (folder `mod`), compiled once and loaded once a process.

Tests elsewhere import it relative to themselves (`from ..mechanisms.neuron_mod import load_mod`): Jaxley installs a
package called `tests`.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import pytest

MOD_DIR = Path(__file__).parent / "mod"


@functools.cache
def load_mod() -> Any:
    """NEURON's `h` with every mechanism of `mod`; skips the test where NEURON or a compiler is missing."""
    neuron = pytest.importorskip("neuron", reason="NEURON is not installed")
    built = _compiled(neuron.__version__)
    if not neuron.load_mechanisms(str(built)):
        raise RuntimeError(f"NEURON could not load the mechanisms in {built}")
    neuron.h.load_file("stdrun.hoc")
    return neuron.h


def _compiled(version: str) -> Path:
    """The folder with the compiled mechanisms, named after their content so that runs share it."""
    # NEURON advances mechanisms in this order.
    sources = sorted(MOD_DIR.glob("*.mod"))
    digest = hashlib.sha256(version.encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    built = Path(tempfile.gettempdir()) / f"rallax-mod-{os.getuid()}-{digest.hexdigest()[:16]}"
    if built.is_dir():
        return built

    compiler = next(filter(None, map(shutil.which, ("g++", "c++", "clang++"))), None)
    # Beside this interpreter first: another NEURON on the PATH may be of another version.
    nrnivmodl = shutil.which("nrnivmodl", path=sysconfig.get_path("scripts")) or shutil.which("nrnivmodl")
    if compiler is None or nrnivmodl is None or shutil.which("make") is None:
        pytest.skip("compiling MOD files needs nrnivmodl, make and a C++ compiler")

    work = Path(tempfile.mkdtemp(prefix="rallax-mod-"))
    try:
        for source in sources:
            shutil.copy(source, work)
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        result = subprocess.run([nrnivmodl, "."], cwd=work, env=environment, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"nrnivmodl failed:\n{result.stdout}\n{result.stderr}")
        try:
            work.rename(built)
        except OSError:  # Another process was faster.
            if not built.is_dir():
                raise
        return built
    finally:
        shutil.rmtree(work, ignore_errors=True)
