"""What becomes of an item that failed: it is tried again, tried alone, cut in two, or its only start is given up.

Owns the items that wait (in turn, or for a machine for themselves) and that rule. Who gets them is the dispatcher's.

Memory: an item under which it ran out while others ran on the same machine is set apart and tried alone; only what
fails alone is held against the item. So is an item whose worker died for no known reason, before it is cut in two: the
system may have ended the worker for want of memory.
"""

from __future__ import annotations

from collections import deque

from .budgets import Budgets
from .config import DispatchPolicy
from .events import Action, Report
from .rounds import Round
from .workers import Task


class Backlog:
    """Items that wait: in the ``queue``, or ``apart`` for a machine on which nothing else runs."""

    def __init__(self) -> None:
        self.queue: deque[Task] = deque()
        self.apart: deque[Task] = deque()

    def open(self, work: Round) -> None:
        """All of a round, behind everything."""
        for chunk in range(len(work.chunks)):
            self.queue.append(Task(work, chunk, work.lanes))

    def back(self, task: Task) -> None:
        """To the front: it is older than anything that waits. A task that another worker holds, or done, stays out."""
        if not task.runners and task.missing():
            (self.apart if task.alone else self.queue).appendleft(task)


class Suspects:
    """The rule, with the budget that failures are charged to."""

    def __init__(self, policy: DispatchPolicy, budgets: Budgets, backlog: Backlog) -> None:
        self._policy = policy
        self._budgets = budgets
        self._backlog = backlog

    def set_apart(self, task: Task, detail: str) -> list[Action]:
        """Try it again with nothing else on its machine; that others ran there too is held against nobody."""
        task.alone = True
        self._backlog.back(task)
        tag = str(task.round.tag(task.chunk, task.missing()))
        return [Report("item set apart", f"{tag} is tried alone on a machine: {detail}", {"tag": tag})]

    def last_word_of_one(self, task: Task, ran: tuple[int, ...], worker: str) -> bool:
        """Whether a failure would give up a start of which this one worker alone has said that it fails."""
        lanes = task.missing()
        last = len(lanes) == 1 and lanes == ran and task.strikes + 1 >= self._policy.strikes
        return last and task.failed_on == worker and not task.runners

    def strike(self, task: Task, ran: tuple[int, ...], detail: str, *, alone: bool = True) -> list[Action]:
        """A failure while this task's lanes ``ran``; its round may be complete after it.

        Args:
            alone: nothing else ran on that machine, or it does not matter.

        Raises:
            FitError: the budget of failures is used up.
        """
        task.charged += 1
        lanes = task.missing()
        if lanes == ran:
            task.strikes += 1
        actions: list[Action] = []
        if lanes != ran or task.strikes < self._policy.strikes or task.runners:
            self._backlog.back(task)
        elif not alone:
            actions = self.set_apart(task, detail)
        else:
            tag = str(task.round.tag(task.chunk, lanes))
            if len(lanes) == 1:
                return self._give_up(task, lanes[0], tag, detail)
            half = len(lanes) // 2
            for part in (lanes[half:], lanes[:half]):
                self._backlog.back(Task(task.round, task.chunk, part, charged=task.charged, alone=task.alone))
            actions = [Report("item bisected", f"{tag} failed {task.strikes} times", {"tag": tag})]
        self._budgets.failure(detail)
        return actions

    def _give_up(self, task: Task, lane: int, tag: str, detail: str) -> list[Action]:
        phase, block, step = task.round.key
        kind = task.round.chunks[task.chunk].kind
        task.round.quarantine(task.chunk, lane)
        # What a start at fault explains is not held against the workers.
        self._budgets.explained(task.charged - 1, detail)
        facts = {"tag": tag, "why": detail, "phase": phase, "block": block, "step": step, "lane": lane, "work": kind}
        return [Report("start quarantined", f"{tag} failed {task.strikes} times: {detail}", facts)]
