"""`--set key=value`: one value of the job changed on the command line.

Owns the syntax: a dotted key with list indices (`sweeps[0].weight`, or `sweeps.0.weight`) and a TOML value. Whether
the key exists and the value fits is for the job's validation to say, which sees the changed document.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from ..errors import Fault

FILE = "--set"

_STEP = re.compile(r"([A-Za-z0-9_\-]+)|\[(\d+)\]")
_BARE = re.compile(r"[A-Za-z./~][\w./~:\-]*")


def apply_override(document: dict[str, Any], text: str) -> tuple[str, Fault | None]:
    """Change `document` in place as `text` ("key=value") says; gives the key as the job's errors write it.

    The second value is the fault that kept the change from being made, if any.
    """
    key, equals, value_text = text.partition("=")
    steps = _steps(key.strip())
    if not equals or steps is None:
        return "", Fault(FILE, text[:80], 'is no change; write it as fit.steps=10 or "sweeps[0].weight=2.0"')
    path = _path(steps)
    try:
        value = _value(value_text.strip())
    except ValueError:
        return path, Fault(FILE, path, f"{value_text.strip()[:80]!r} is no TOML value; quote text: '{path}=\"text\"'")
    target: Any = document
    for at, step in enumerate(steps):
        last = at == len(steps) - 1
        if isinstance(target, list):
            if not isinstance(step, int) and not step.isdigit():
                return path, Fault(FILE, path, f"{_path(steps[:at])} is a list; write a number from 0, not {step!r}")
            index = int(step)
            if index >= len(target):
                found = f"{_path(steps[:at])} has {len(target)} entries, counted from 0; there is no {index}"
                return path, Fault(FILE, path, found)
            if last:
                target[index] = value
            target = target[index]
        elif isinstance(target, dict) and isinstance(step, str):
            if last:
                target[step] = value
            else:
                target = target.setdefault(step, {})
        else:
            return path, Fault(FILE, path, f"{_path(steps[:at])} has nothing below it; leave out what follows it")
    return path, None


def as_override(key: str, value: Any) -> str:
    """A change as `apply_override` reads it, from a value as TOML gives it."""
    return f"{key}={_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool | str):
        # TOML's basic strings are JSON's, but for the character that JSON leaves as it is.
        return json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007F")
    return repr(value)


def _steps(key: str) -> list[str | int] | None:
    """`sweeps[0].weight` as ["sweeps", 0, "weight"]; None where it is no key."""
    steps: list[str | int] = []
    for part in key.split("."):
        matches = list(_STEP.finditer(part))
        if not matches or "".join(match.group() for match in matches) != part:
            return None
        for number, match in enumerate(matches):
            name, index = match.groups()
            if (name is None) != (number > 0):
                return None
            # An index of more digits than any list has entries would only cost time to convert.
            if index is not None and len(index) > 9:
                return None
            steps.append(name if name is not None else int(index))
    return steps if len(steps) <= 20 else None


def _path(steps: list[str | int]) -> str:
    """The steps as the job's errors write a key: numbers in brackets."""
    path = ""
    for step in steps:
        if isinstance(step, int) or (path and step.isdigit()):
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    return path


def _value(text: str) -> Any:
    """A TOML value; a bare word is taken as text, for it can be nothing else."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        if _BARE.fullmatch(text):
            return text
        raise ValueError(text) from None
    if set(document) != {"value"} or "\n" in text:
        raise ValueError(text)
    return document["value"]
