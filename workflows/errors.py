"""What a user's mistake looks like: the exception classes, the exit codes, and their one place of conversion.

Owns: `Fault`, `UserError`, `JobError`, the exit codes of the command line, and `exit_code_of`, which says how any
exception leaves the program. Does not own the checks themselves; they stand beside what they check.
"""

from __future__ import annotations

import difflib
import errno
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

DONE = 0
WRONG = 2
STOPPED = 3
FAILED = 4

# Code knows itself by the path that it was imported by, which may lead through a link.
_PACKAGE_ROOTS = tuple(
    str(here.parents[1] / part)
    for here in (Path(__file__).absolute(), Path(__file__).resolve())
    for part in ("sim", "fitting", "storage", "workflows")
)


@dataclass(frozen=True)
class Fault:
    """One mistake: where it stands (file and key, either may be empty) and what is wrong and would be right."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return one_line(": ".join(part for part in (self.file, self.key, self.message) if part))


class UserError(ValueError):
    """A mistake of the person who called: its text is one line that says where and what would be right."""

    @property
    def lines(self) -> tuple[str, ...]:
        return (one_line(str(self)),)


class JobError(UserError):
    """Every fault found in a job, one line each.

    Attributes
    ----------
    faults : the faults in the order of the file
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(str(fault) for fault in self.faults)


class StoppedEarly(Exception):
    """The work was stopped before its end and can be resumed; the text says how."""


@contextmanager
def as_written(where: str) -> Iterator[None]:
    """Inside, the contents of a run are taken apart: what is missing or of another kind there is the run's fault.

    Raises
    ------
    UserError : one line in place of whatever nonsense with a hash that holds makes the code stumble over
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
        if isinstance(error, ValueError) and _raised_here(error.__traceback__):
            raise
        what = one_line(f"{type(error).__name__}: {error}", 100)
        raise UserError(f"{where}: holds something else than rallax writes ({what}); restore it from a copy") from error


def shown(text: str) -> str:
    """`text` as a terminal may show it: a control character, which could move or hide what is there, as its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def one_line(text: str, limit: int = 400) -> str:
    """`text` on one line without control characters, cut to `limit` characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[: 50 * limit]).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for an unknown `word`: the nearest known one, or all of them where none is near."""
    names = list(known)
    # Case is the commonest slip (ih for Ih), so it does not count as a difference.
    folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.5)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    return "known: " + ", ".join(names)


def exit_code_of(error: BaseException) -> tuple[int, Sequence[str]]:
    """How `error` leaves the program: the exit code and the lines for standard error.

    A `ValueError` raised in the packages of rallax itself was written for the user, as was an operating-system error
    that names a file. A fit that cannot go on says why. Anything else is a failure of the program; its lines are empty,
    and the caller shows the traceback.
    """
    if isinstance(error, StoppedEarly):
        return STOPPED, [one_line(str(error))]
    if isinstance(error, UserError):
        return WRONG, error.lines
    if isinstance(error, ValueError) and _raised_here(error.__traceback__):
        return WRONG, [one_line(str(error))]
    if isinstance(error, OSError) and error.filename is not None:
        code = FAILED if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else WRONG
        return code, [one_line(f"{error.filename}: {error.strerror or error}")]
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return FAILED, ["no space left on the disk"]
    fitting = sys.modules.get("rallax.fitting.errors")  # loaded where one of its errors was raised; it loads JAX
    if fitting is not None and isinstance(error, fitting.FitError):
        return FAILED, [one_line(str(error))]
    return FAILED, []


def _raised_here(traceback: TracebackType | None) -> bool:
    """Whether the frame that raised belongs to rallax."""
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    # Resolved as the roots are: the folders may be seen through links.
    return str(Path(traceback.tb_frame.f_code.co_filename).resolve()).startswith(_PACKAGE_ROOTS)
