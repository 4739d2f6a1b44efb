"""Makes the S3 server of the storage tests a fixture here."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "storage"))
from s3_server import BUCKET, s3_server


@pytest.fixture(scope="module")
def s3_folder() -> Iterator[str]:
    """A prefix of a bucket on a real S3 server; the environment points to it."""
    pytest.importorskip("moto", reason="requirements-dev.txt has moto")
    pytest.importorskip("s3fs", reason="requirements-dev.txt has s3fs")
    with s3_server():
        yield f"s3://{BUCKET}/{uuid.uuid4().hex}"
