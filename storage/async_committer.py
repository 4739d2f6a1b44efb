"""Commits in the background, so that the fit goes on while a checkpoint is written.

Owns one thread and the hand-over to it. What a commit is, is the business of `RunStore`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from queue import Queue
from types import TracebackType
from typing import Any, Self

from .run_store import RunStore
from .tree import Tree, check_tree
from .variable import Variable


class AsyncCommitter:
    """Hands commits to one thread; at most one is written and one waits.

    Nothing is copied at the hand-over, which is why it takes no time: the arrays that are handed over must not be
    written into any more. A fit that is two checkpoints ahead of the disk waits: no commit is left out or merged with
    another, since the history has the rows of each exactly once. After an error nothing further is written: the history
    of later commits would have a gap. The next call raises the error, and so does `close`.

    Args:
        run: a run whose epoch this process has claimed.
    """

    def __init__(self, run: RunStore) -> None:
        self._run = run
        self._queue: Queue[dict[str, Any] | None] = Queue(maxsize=1)
        self._error: BaseException | None = None
        self._closed = False
        # A daemon, so that a fit that dies is not held up: a commit can be cut off anywhere without harm.
        self._thread = threading.Thread(target=self._work, name="rallax-commit", daemon=True)
        self._thread.start()

    def commit(
        self,
        tree: Tree | Callable[[], Tree],
        *,
        history: Mapping[str, Variable] | None = None,
        step: int,
        attrs: Mapping[str, Any] | None = None,
        keep: int = 3,
        best: bool = False,
    ) -> None:
        """As `RunStore.commit`, but returns at once; waits only while an earlier commit still waits.

        Args:
            tree: the tree, or a function that makes it and is called in the committer's thread.

        Raises:
            StorageError: that of an earlier commit.
        """
        self._raise()
        if self._closed:
            raise RuntimeError("commit after close")
        if not callable(tree):
            check_tree(tree)
        self._queue.put(
            {
                "tree": tree,
                "history": dict(history or {}),
                "step": step,
                "attrs": dict(attrs or {}),
                "keep": keep,
                "best": best,
            }
        )

    def wait(self) -> None:
        """Returns when all that was handed over is durable; raises the error of a commit that failed."""
        self._queue.join()
        self._raise()

    def close(self) -> None:
        """As `wait`, and ends the thread. A second call does nothing but raise the same error."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
            if self._error is None:
                self._run.release()
        self._raise()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close()
        except Exception as failed:  # the error that ends the block is the one to raise
            error.add_note(f"the last checkpoint was not written either: {failed}")

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            try:
                if job is None:
                    return
                if self._error is None:
                    tree = job.pop("tree")
                    self._run.commit(tree() if callable(tree) else tree, **job)
                    tree = None  # nothing is held on to while the next one is awaited
            except BaseException as error:
                self._error = error
            finally:
                self._queue.task_done()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
