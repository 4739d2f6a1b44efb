"""An H5 reconstruction, read by a process of its own.

HDF5 is a file system in a file: a damaged or hostile one can name other files, ask for any amount of memory, and make
its library crash or run for ever. So a child reads it, with bounds on memory and time and without the right to open
another file, and hands back plain arrays. Owns that child, which `_main` is (run as `python h5.py FILE`, without
rallax and JAX).
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np

if __name__ != "__main__":
    from .errors import MorphologyError
    from .limits import CHILD_BYTES, CHILD_SECONDS, POINTS
    from .morphio_arrays import MorphioArrays

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_REFUSED = 3


def read_apart(path: Path) -> MorphioArrays:
    """What MorphIO reads of an H5 file.

    Raises:
        MorphologyError: it is damaged, too large, or its reader crashed or did not end.
        RuntimeError: with MorphIO's words.
    """
    with path.open("rb") as stream:
        if stream.read(len(_SIGNATURE)) != _SIGNATURE:
            raise MorphologyError(f"{path}: not readable as H5: no HDF5 file")
    command = [sys.executable, "-P", __file__, str(path), str(CHILD_BYTES), str(CHILD_SECONDS), str(POINTS)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * CHILD_SECONDS)
    except subprocess.TimeoutExpired:
        raise MorphologyError(f"{path}: not readable as H5: its reader did not end; write the file anew") from None
    if done.returncode == _REFUSED:
        raise RuntimeError(done.stderr.decode("utf-8", errors="replace"))
    if done.returncode != 0:
        raise MorphologyError(f"{path}: not readable as H5: its reader broke down over it; write the file anew")
    stream_of_arrays = io.BytesIO(done.stdout)
    return MorphioArrays(*(np.load(stream_of_arrays, allow_pickle=False) for _ in MorphioArrays._fields))


def _main(file: str, most_bytes: int, most_seconds: int, most_points: int) -> int:
    """The child: arrays to standard output, or one line to standard error."""
    import os
    import resource
    import warnings

    sys.path.append(str(Path(__file__).parent))
    import morphio  # noqa: F401  (loaded before files can no longer be opened)
    from morphio_arrays import arrays_of  # type: ignore[import-not-found]  # beside this file

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (most_seconds, most_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # One descriptor is left, for the file itself: what it names outside of it cannot be opened.
    os.closerange(3, 1024)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
    try:
        found = arrays_of(Path(file))
    except Exception as error:
        print(f"{type(error).__name__}" if isinstance(error, MemoryError) else error, file=sys.stderr)
        return _REFUSED
    if len(found.points) > most_points:
        print(f"{len(found.points)} points; at most {most_points} are read", file=sys.stderr)
        return _REFUSED
    # In memory first: NumPy asks a file for its position, and a pipe has none.
    told = io.BytesIO()
    for array in found:
        np.save(told, array, allow_pickle=False)
    sys.stdout.buffer.write(told.getbuffer())
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], *map(int, sys.argv[2:])))
