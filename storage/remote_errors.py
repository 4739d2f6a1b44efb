"""What an object store may answer: which refusals pass and are tried again, and every other as an `OSError`.

Owns the budget of patience and the plain words. Imports none of the clients: their errors are told by what they carry.
"""

from __future__ import annotations

import errno
import random
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

FIRST_SECONDS: Final = 10.0
"""How long a store that has never answered is asked: then the address is probably wrong."""

LATER_SECONDS: Final = 120.0
"""How long a store that has answered before is asked: a network that is gone for a minute ends no fit."""

_LONGEST_PAUSE: Final = 5.0
_FINAL: Final = {errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EACCES, errno.ENAMETOOLONG}
_ACCESS: Final = ("credential", "accessdenied", "forbidden", "signature", "invalidaccesskey", "expiredtoken", "403")
_CREDENTIALS: Final = (
    "access is refused; look at the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS) "
    "and at what they may do here"
)

T = TypeVar("T")


class Patience:
    """Calls that are repeated while they fail in a way that may pass.

    Args:
        place: of the store, for messages.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._answered = threading.Event()

    def call(self, where: str, action: Callable[[], T]) -> T:
        """What `action` returns.

        Raises:
            FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError: as they come; these are answers.
            OSError: whatever else it was, with `where` as its file name and one line of text.
        """
        begun, pause, attempts = time.monotonic(), 0.1, 0
        while True:
            attempts += 1
            try:
                result = action()
            except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError) as error:
                self._answered.set()
                raise _named(error, where) from error
            except Exception as error:
                budget = LATER_SECONDS if self._answered.is_set() else FIRST_SECONDS
                # Never only once: on a busy machine one attempt may take longer than the budget.
                spent = attempts > 1 and time.monotonic() - begun + pause > budget
                if spent or not _passes(error):
                    raise _as_os_error(error, where) from error
                time.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(2.0 * pause, _LONGEST_PAUSE)
            else:
                self._answered.set()
                return result


def raise_missing_bucket(error: OSError) -> None:
    """Raises the error when it is the bucket that is missing, not an object in it."""
    if "bucket" in str(error.strerror or error).lower():
        raise error


def _passes(error: Exception) -> bool:
    """Whether the same call may succeed later: timeouts, lost connections, 5xx, "slow down"."""
    if _is_refusal(error):
        return False
    if isinstance(error, OSError) and error.errno in _FINAL:
        return False
    name = type(error).__name__
    return not isinstance(error, ValueError | TypeError) or "Connection" in name or "Parser" in name


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, PermissionError):
        return True
    told = f"{type(error).__name__} {error}".lower().replace(" ", "")
    return any(word in told for word in _ACCESS)


def _named(error: OSError, where: str) -> OSError:
    """The same answer with its place; a missing bucket is told apart from a missing object."""
    cause = f"{type(error.__cause__).__name__} {error} {error.__cause__}".lower()
    if isinstance(error, FileNotFoundError) and ("nosuchbucket" in cause or "bucket does not exist" in cause):
        bucket = where.partition("://")[2].partition("/")[0]
        reason = f"there is no bucket {bucket!r}; make it, or look at its name and at AWS_ENDPOINT_URL"
        return FileNotFoundError(errno.ENOENT, reason, where)
    numbers = {FileNotFoundError: errno.ENOENT, FileExistsError: errno.EEXIST, IsADirectoryError: errno.EISDIR}
    number = numbers.get(type(error), errno.ENOTDIR)
    return type(error)(number, "is not there" if number == errno.ENOENT else "is there already", where)


def _as_os_error(error: Exception, where: str) -> OSError:
    if _is_refusal(error):
        return PermissionError(errno.EACCES, _CREDENTIALS, where)
    text = " ".join(str(error).split())[:200] or type(error).__name__
    if "redirect" in text.lower() or "authorizationheadermalformed" in text.lower():
        text += " (look at AWS_DEFAULT_REGION)"
    number = error.errno if isinstance(error, OSError) and error.errno else errno.EIO
    return OSError(number, f"the store does not answer as it should: {text}", where)
