"""Where the time of a fit on a cluster went: from what its workers noted, its log, and the faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What happened, when, after how many items, and which workers went."""

    kind: str
    moment: float
    items: int
    lost: tuple[int, ...] = ()
    detected: float | None = None
    restarted: float | None = None

    def told(self) -> str:
        text = f"{self.kind} after {self.items} items"
        if self.detected is not None:
            text += f", noticed after {self.detected:.1f} s"
        if self.restarted is not None:
            text += f", replaced after {self.restarted:.1f} s"
        return text


@dataclass(frozen=True)
class Course:
    """A fit: begin and wall time in s, items as noted by the workers, events of its log, faults."""

    begin: float
    wall: float
    items: list[dict[str, Any]]
    log: list[dict[str, Any]]
    faults: list[Fault]


def away(course: Course, workers: int) -> float:
    """Seconds that workers were missing, divided by their number: start, and after a fault detection and restart.

    A worker is missing from the moment of the fault, not from that at which it is noticed.
    """
    changes: list[tuple[float, str, int]] = [(course.begin, "none", 0)]
    credit = 0
    events = [(float(e["time"]), str(e["kind"])) for e in course.log]
    events += [(f.moment, f.kind) for f in course.faults]
    lost_by = {f.moment: len(f.lost) for f in course.faults}
    for moment, kind in sorted(events):
        if kind in ("started", "resumed", "coordinator killed"):
            changes.append((moment, "none", 0))
            credit = 0
        elif kind == "worker joined":
            changes.append((moment, "more", 1))
        elif kind in ("worker killed", "node removed"):
            changes.append((moment, "more", -lost_by[moment]))
            credit += lost_by[moment]
        elif kind == "worker lost":
            # It was counted at the fault already.
            credit, step = (credit - 1, 0) if credit else (0, -1)
            changes.append((moment, "more", step))
    total, up = 0.0, 0
    ends = [c[0] for c in changes[1:]] + [course.begin + course.wall]
    for (moment, what, step), until in zip(changes, ends, strict=True):
        up = 0 if what == "none" else up + step
        total += (until - moment) * max(0, workers - up) / workers
    return total


def compiled(course: Course, seconds: float, workers: int) -> float:
    """Seconds of the first item of each process beyond its sleep, in which it compiles, divided by the workers."""
    first: dict[int, float] = {}
    for item in course.items:
        first.setdefault(item["pid"], item["end"] - item["begin"] - seconds)
    return sum(first.values()) / workers


def with_delays(course: Course) -> list[Fault]:
    """The faults with the time until each was noticed, and until a worker joined after that."""
    from dataclasses import replace

    found = []
    for fault in course.faults:
        # A run that has no checkpoint yet starts again.
        noticed = ("resumed", "started") if fault.kind == "coordinator killed" else ("worker lost",)
        detected = restarted = None
        if fault.lost or fault.kind == "coordinator killed":
            after = [e for e in course.log if float(e["time"]) >= fault.moment]
            detected = next((e["time"] - fault.moment for e in after if e["kind"] in noticed), None)
            if detected is not None:
                joined = (e["time"] - fault.moment for e in after if e["kind"] == "worker joined")
                restarted = next((t for t in joined if t >= detected), None)
        found.append(replace(fault, detected=detected, restarted=restarted))
    return found
