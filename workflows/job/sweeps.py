"""[[sweeps]] and [recording]: the recordings that are fitted, what drives the cell in each, and corrections to them.

Owns: the keys, the expansion of `numbers`, and the faults that show without opening a file. Reading belongs to
`..recordings`, cutting and averaging to `..sweeps`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from ..errors import nearest
from .faults import given
from .table import Interval, Table, check, plain_name, wrong

NUMBER = "{n}"
LATER = {".nwb": "NWB", ".abf": "ABF"}


def _recording(name: str) -> str:
    if "://" in name:
        raise wrong(("", f"{name!r}: recordings in remote stores are not built yet; copy it beside the job"))
    for part in PurePath(name).parts:
        if later := LATER.get(PurePath(part).suffix.lower()):
            raise wrong(("", f"{name!r}: {later} recordings are not built yet; give IBW, CSV, TXT or Zarr"))
    if re.search(r"\{(?!n\})|(?<!\{n)\}", name):
        raise wrong(("", f"{name!r} has a placeholder other than {NUMBER}; only {NUMBER} is replaced"))
    return name


def _site(value: Any) -> Any:
    if isinstance(value, str):
        return {"region": value}
    if not isinstance(value, dict | Site):
        raise wrong(
            ("", 'must be a region such as "soma" or a place such as { region = "apical", distance_um = 400.0 }')
        )
    return value


def _stimulus(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("kind"), str) and value["kind"] != "step":
        raise wrong(("kind", f"{value['kind']!r} is no stimulus; {nearest(value['kind'], ['step'])}"))
    return value


RecordingFile = Annotated[str, Field(min_length=1), AfterValidator(_recording)]


class Site(Table):
    """Where the electrode is: the middle of a region's first branch, or a distance from the soma."""

    region: str | None = Field(
        None,
        min_length=1,
        description="Region of the site; the middle of its first branch, unless a distance is given.",
    )
    distance_um: float | None = Field(
        None, ge=0, description="Path distance in µm from the middle of the soma, in this region."
    )
    recording: int | None = Field(
        None, ge=0, description="With [model] build only: which of the module's recordings, counted from 0."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Site:
        if (self.region is None) == (self.recording is None):
            raise wrong(("", 'give region, such as "soma" (or recording, with [model] build), and only one of them'))
        if self.recording is not None and self.distance_um is not None:
            raise wrong(("distance_um", "does not go with recording; leave it out"))
        return self


class StepStimulus(Table):
    """A rectangular current pulse."""

    kind: Literal["step"] = Field(description="A rectangular pulse.")
    delay_ms: float = Field(ge=0, description="Its begin in ms from the start of the sweep.")
    duration_ms: float = Field(gt=0, description="Its length in ms.")
    amplitude_nA: float = Field(description="Its height in nA; depolarising is positive.")


class Sweep(Table):
    """[[sweeps]]: recorded voltage and what drove it; with numbers, one sweep for each."""

    name: Annotated[str, AfterValidator(plain_name)] = Field(
        max_length=100, description="Name of the sweep; with numbers, NAME_NUMBER is the name of each."
    )
    numbers: tuple[int, ...] | None = Field(
        None, strict=False, min_length=1, description=f"Numbers that stand for {NUMBER} in the file names."
    )
    voltage: RecordingFile = Field(description="Recorded voltage: IBW, CSV, TXT or Zarr, told by the file.")
    current: RecordingFile | None = Field(
        None, description="Recorded current, the stimulus. Needed unless `stimulus` or `[model] build` is given."
    )
    stimulus: Annotated[StepStimulus, BeforeValidator(_stimulus)] | None = Field(
        None, description="A made-up current in place of a recorded one."
    )
    site: Annotated[Site, BeforeValidator(_site), WithJsonSchema({"type": "region name or table"})] = Field(
        Site(region="soma"),
        description='Where current was injected and voltage recorded: "soma" or { region = "apical", '
        "distance_um = 400.0 }. With [model] build: { recording = 0 }.",
        validate_default=False,
    )
    window_ms: Interval | None = Field(
        None, description="Part that is compared, [begin, end] in ms from the start of the sweep. Whole unless given."
    )
    use: Literal["train", "validate"] = Field(
        "train", description="Whether the sweep is fitted or only compared with the fit."
    )
    weight: float = Field(1.0, gt=0, description="Factor of the sweep's loss in the mean over its use, above 0.")

    @model_validator(mode="after")
    def _consistent(self) -> Sweep:
        check(self._own_faults())
        return self

    def _own_faults(self) -> Iterator[tuple[str, str]]:
        if self.current is not None and self.stimulus is not None:
            yield "stimulus", "does not go with current; give the recorded current or the stimulus"
        if self.numbers is None:
            for key, file in (("voltage", self.voltage), ("current", self.current)):
                if file is not None and NUMBER in file:
                    yield (
                        key,
                        f"has {NUMBER}, but the sweep has no numbers; add numbers = [1, 2] or name the file",
                    )
        else:
            if NUMBER not in self.voltage:
                yield "voltage", f"has no {NUMBER} for the numbers of the sweep; write it where the number stands"
            if len(set(self.numbers)) < len(self.numbers):
                twice = Counter(self.numbers).most_common(1)[0][0]
                yield "numbers", f"has {given(twice)} more than once; each number once"
            if min(self.numbers) < 0:
                yield "numbers", f"has {given(min(self.numbers))}; numbers are 0 or above"
            if max(self.numbers) >= 10**18:
                yield "numbers", f"has {given(max(self.numbers))}; numbers are below 1e18"
        if self.window_ms is not None and self.window_ms[0] < 0:
            yield "window_ms", f"begins at {self.window_ms[0]:g} ms, before the sweep does; begin at 0 or later"

    def expand(self) -> Iterator[SingleSweep]:
        """One sweep for each of `numbers`, or the sweep itself."""
        if self.numbers is None:
            yield SingleSweep(self.name, self.voltage, self.current, self)
            return
        for number in self.numbers:
            current = self.current.replace(NUMBER, str(number)) if self.current is not None else None
            yield SingleSweep(f"{self.name}_{number}", self.voltage.replace(NUMBER, str(number)), current, self)


@dataclass(frozen=True)
class SingleSweep:
    """One sweep after the expansion of `numbers`: its own name and files; the rest is its table's."""

    name: str
    voltage: str
    current: str | None
    table: Sweep


class Recording(Table):
    """[recording]: corrections that hold for every recording."""

    liquid_junction_potential_mV: float = Field(
        0.0, ge=-100, le=100, description="Subtracted from every recorded voltage, in mV."
    )
    holding: Literal["subtract", "keep"] = Field(
        "keep",
        description="Whether the current before the onset is taken off the recorded current or is part of it.",
    )


def sweep_faults(sweeps: Sequence[Sweep], built: bool) -> Iterator[tuple[str, str]]:
    """Faults between the sweeps of a job; `built` says that the model comes from `[model] build`."""
    index: dict[str, int] = {}
    for number, sweep in enumerate(sweeps):
        at = f"sweeps[{number}]"
        for single in sweep.expand():
            if single.name in index:
                yield (
                    f"{at}.name",
                    f"{single.name!r} is in sweeps[{index[single.name]}] too; each sweep needs its own name",
                )
                break
            index[single.name] = number
        if built:
            if sweep.site.recording is None:
                yield f"{at}.site", "is a place in a cell; with [model] build it is { recording = 0 }, counted from 0"
        else:
            if sweep.site.recording is not None:
                yield f"{at}.site.recording", 'goes with [model] build only; name a region, such as "soma"'
            if sweep.current is None and sweep.stimulus is None:
                yield f"{at}.current", "is missing; name the recorded current, or give a stimulus"
    if not any(sweep.use == "train" for sweep in sweeps):
        yield "sweeps", 'has no sweep with use = "train"; at least one is needed'
