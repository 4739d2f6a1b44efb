"""Where the run of a submitted job lies. Owns the rule; the job's own directory is the job's.

On a cluster a relative directory would be inside what was uploaded, which Ray throws away. So it is taken below
`~/rallax` of the user that runs Ray on the head. An absolute one is of the head's file system, best one that all nodes
share; `s3://` and `gs://` are the same everywhere.
"""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath

from ..errors import UserError
from ..job import Job

HOME = "~/rallax"


def run_on_cluster(job: Job, asked: str | None = None) -> str:
    """Absolute directory, remote prefix, or "~/rallax/..." on the head; `asked` is what the command line says.

    Raises
    ------
    UserError : a relative directory that leads out of ~/rallax
    """
    place = asked or job.storage.run or f"runs/{job.name}"
    if "://" in place or PurePosixPath(place).is_absolute() or place.startswith("~/"):
        return place
    inside = posixpath.normpath(place)
    if inside.startswith(".."):
        raise UserError(
            f"storage.run: {place!r} leads out of {HOME}, where a relative run lies on a cluster; "
            "give --run an absolute path of the cluster or s3://BUCKET/PREFIX"
        )
    return f"{HOME}/{inside}"


def in_shell(place: str) -> str:
    """The place as one word of a shell on the cluster, its home directory filled in there."""
    from shlex import quote

    return f'"$HOME"/{quote(place[2:])}' if place.startswith("~/") else quote(place)
