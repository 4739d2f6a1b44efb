"""The content of the project's wheel, made of rallax as it runs here.

Owns which files those are. What runs on the cluster is what ran on the machine that submits, edits included, without a
build tool, and without the network. Ray's own way with wheels (`py_modules`) is not taken: it installs JAX and all
else that the wheel requires once more for each job.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from ..errors import UserError

PARTS = ("sim", "fitting", "storage", "workflows")


def wheel_files() -> dict[str, bytes]:
    """Path in the wheel -> content: the four packages and `rallax-VERSION.dist-info`.

    Raises
    ------
    UserError : rallax is not installed, so that it has no metadata
    """
    try:
        installed = distribution("rallax")
    except PackageNotFoundError:
        raise UserError("rallax is not installed here, so no wheel can be made of it; pip install it first") from None
    files = dict(sorted(_packages()))
    info = f"rallax-{installed.version}.dist-info"
    files[f"{info}/METADATA"] = (installed.read_text("METADATA") or installed.read_text("PKG-INFO") or "").encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: rallax\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    return files


def _packages() -> Iterator[tuple[str, bytes]]:
    for part in PARTS:
        spec = find_spec(f"rallax.{part}")
        if spec is None or not spec.submodule_search_locations:
            raise UserError(f"rallax.{part} is not installed here; pip install rallax again")
        folder = Path(spec.submodule_search_locations[0])
        for path in folder.rglob("*"):
            relative = path.relative_to(folder)
            hidden = any(name.startswith(".") or name == "__pycache__" for name in relative.parts)
            if path.is_file() and not hidden and path.suffix != ".pyc":
                yield f"rallax/{part}/{relative.as_posix()}", path.read_bytes()


def _digest(content: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
