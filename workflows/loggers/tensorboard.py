"""TensorBoard's event files, through tensorboardX, which needs no TensorFlow."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from .logger import About, Ending


def make(about: About) -> TensorBoard:
    """The logger. A resumed fit adds a file to the same directory, which TensorBoard shows as one curve."""
    return TensorBoard(about)


class TensorBoard:
    """See `Logger`."""

    def __init__(self, about: About) -> None:
        from tensorboardX import SummaryWriter

        # Its file is named for the second and the machine: another session of the same second would replace it.
        self._writer = SummaryWriter(logdir=about.directory, filename_suffix=f".{uuid.uuid4().hex[:6]}")
        rows = "\n".join(f"| {key} | {value} |" for key, value in about.settings.items())
        self._writer.add_text("job", f"{about.name}, {about.location}\n\n| key | value |\n|---|---|\n{rows}", 0)

    def step(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def end(self, ending: Ending) -> None:
        self._writer.close()
