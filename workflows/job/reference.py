"""The reference of the job file, docs/job.md, written from the tables themselves.

    python -m rallax.workflows.job.reference > docs/job.md

Owns how a table becomes text. What a key means stands beside the key.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo

from rallax.sim.mechanisms.library import LIBRARY

from .fit import Optimizer, Scheduled
from .job import Job
from .loss import TERMS
from .model import Discretization, Insert, SetValues
from .sweeps import Site, StepStimulus
from .table import Table

_HEAD = """# The job file

A job is one TOML file. An unknown key is an error that names the nearest known one; text where a number belongs is an
error, whole numbers do for any number. File names are relative to the job file. `rallax validate JOB` checks a job
without running it, and `--set KEY=VALUE` changes one value for one call (`--set fit.steps=10`,
`--set "sweeps[0].weight=2.0"`, lists counted from 0).

This page is written by `python -m rallax.workflows.job.reference`; change the descriptions there, not here.
"""


_MECHANISMS = """Each is a file of `sim/mechanisms/`, with its source. Conductance densities are in S/cm²,
potentials in mV, times in ms, concentrations in mM.
"""

_TAIL = """
## Recordings

A file holds voltage or current, or both; its content and its extension tell the format. Units are converted to ms, mV
and nA; a voltage where a current belongs is an error.

* **IBW**: an Igor binary wave with units and sampling interval.
* **CSV, TXT**: columns parted by comma, semicolon, tab or spaces; a header gives units in brackets:
  `time (ms), voltage (mV), current (nA)`. Without a header there are two columns, time in ms and values in mV or nA.
  Lines that begin with `#` are skipped.
* **Zarr** (version 3): an array with the attribute `units`, or a group with one named `voltage` or `current`. Times are
  the array beside it that its dimension is named for, with `units` of its own, or its attribute `sampling_interval_ms`.

## Times, onset and baseline

Time 0 of a sweep is the first sample of its voltage; windows and pulses count from there. The simulation begins
`settle_ms` before the window. Before the first sample of a recorded current its baseline flows.

A recorded current becomes the stimulus by averaging its linear interpolation over each time step, so that charge is
kept. Its stimulus begins where two of three neighbouring samples leave the first level by more than six times the
noise and a fiftieth of the largest deviation; that of a made-up pulse begins at its delay. What lies before the onset
(without the last sample), or everything where there is no onset, is the baseline: its median current is what
`holding = "subtract"` takes off, and its mean voltage, less the junction potential, is `v_init = "baseline"`.

## Python that a job names

`file.py:Name` is looked for beside the job file, `module:Name` among the installed modules. Nothing else in a job is
run as code.
"""


def _sections() -> Iterator[tuple[str, type[Table], list[tuple[str, type[Table]]]]]:
    inner: dict[str, list[tuple[str, type[Table]]]] = {
        "model": [
            ("discretization", Discretization),
            ("[[model.set]]", SetValues),
            ("[[model.insert]]", Insert),
        ],
        "sweeps": [("site", Site), ('stimulus with kind = "step"', StepStimulus)],
        "loss": [(f"terms with kind = {json.dumps(kind)}", table) for kind, table in TERMS.items()],
        "fit": [("optimizer", Optimizer), ("a schedule of learning_rate", Scheduled)],
    }
    for name, field in Job.model_fields.items():
        table = _table_of(field)
        if table is not None:
            heading = f"[[{name}]]" if get_origin(field.annotation) is tuple else f"[{name}]"
            yield heading, table, inner.get(name, [])


def _table_of(field: FieldInfo) -> type[Table] | None:
    candidates = [field.annotation, *get_args(field.annotation)]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, Table)), None)


def reference() -> str:
    """The page as Markdown."""
    parts = [_HEAD, "## At the top\n", *rows(Job, only=("name",))]
    for heading, table, inner in _sections():
        parts += [f"\n## {heading}\n", _doc(table), "", *rows(table)]
        for name, below in inner:
            parts += [f"\n### {heading}: {name}\n", _doc(below), "", *rows(below)]
    parts += ["\n## Mechanisms\n", _MECHANISMS, *_mechanisms()]
    return "\n".join(parts) + "\n" + _TAIL


def _mechanisms() -> Iterator[str]:
    """The library, one row each."""
    yield "| mechanism | what | parameters = default | states |"
    yield "|---|---|---|---|"
    for name, made in LIBRARY.items():
        mechanism = made()
        told = (inspect.getmodule(made).__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
        what = told.partition(": ")[2] or told
        parameters = ", ".join(f"`{key}` = {value:g}" for key, value in mechanism.channel_params.items())
        states = ", ".join(f"`{key}`" for key in mechanism.channel_states)
        yield f"| `{name}` | {what.rstrip('.').replace('|', '/')} | {parameters} | {states} |"


def _doc(table: type[Table]) -> str:
    """The first line of the table's docstring, without its heading."""
    line = (table.__doc__ or "").strip().splitlines()[0]
    text = line.partition("]: ")[2] if line.startswith("[") else line
    return text[0].upper() + text[1:]


def rows(table: type[Table], only: tuple[str, ...] | None = None) -> Iterator[str]:
    """The keys of a table, as rows of Markdown."""
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    # What kind a table is comes first, as in the job, though the tables inherit their other keys before it.
    for name, field in sorted(table.model_fields.items(), key=lambda item: item[0] != "kind"):
        if only is None or name in only:
            cells = (f"`{name}`", _type(field), _default(field), field.description or "")
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default is None or field.default in ((), {}):
        return ""
    value = field.default
    if isinstance(value, Table):
        value = {k: v for k, v in value.model_dump().items() if v is not None}
        return f"`{_toml(value)}`" if value else ""
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _type(field: FieldInfo) -> str:
    """What may stand there, with its limits."""
    limits = []
    for item in field.metadata:
        for symbol, words in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most")):
            limit = getattr(item, symbol, None)
            if limit is not None:
                limits.append(f"{words} {limit}")
    own = next((item for item in field.metadata if isinstance(item, WithJsonSchema)), None)
    text = own.json_schema["type"] if own is not None and own.json_schema else _annotation(field.annotation)
    return ", ".join([text, *limits])


def _annotation(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        own = next((item for item in arguments[1:] if isinstance(item, WithJsonSchema)), None)
        return str(own.json_schema["type"]) if own is not None and own.json_schema else _annotation(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{json.dumps(argument)}`" for argument in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_annotation(argument) for argument in arguments if argument is not type(None))
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return f"list of {_annotation(arguments[0])}"
        return "[" + ", ".join(_annotation(argument) for argument in arguments) + "]"
    if origin is dict:
        return "table { name = number }"
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return "table"
    return {float: "number", int: "whole number", str: "text", bool: "true or false"}[annotation]


if __name__ == "__main__":
    sys.stdout.write(reference())
