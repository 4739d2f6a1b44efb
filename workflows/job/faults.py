"""From pydantic's errors to (key, what is wrong and would be right).

Owns the wording of every fault of type and range. The rules themselves stand with the keys, in the tables' files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

FAULTS = "rallax_faults"
"""Type of the error that carries faults which a check of ours has worded already (see `table.wrong`)."""


MISSING = "is missing"
"""A missing key that its table has not described (see `table.Table`)."""


def faults_of(error: ValidationError, data: Any) -> Iterator[tuple[str, str]]:
    """The faults in `error`, which the validation of `data` raised, with keys as in `sweeps[0].window_ms`."""
    found = [(details, _key(details, data)) for details in error.errors(include_url=False)]
    # Of "sweeps[0].window_ms[1]" the keys "sweeps" and "sweeps[0].window_ms".
    with_faulty_entries = {key[: at.start()] for _, key in found for at in re.finditer(r"\[", key)}
    for details, at in found:
        if details["type"] == "too_short" and at in with_faulty_entries:
            # pydantic counts only the entries that are right; those that are not have faults of their own.
            continue
        if details["type"] == FAULTS:
            for key, message in details["ctx"]["faults"]:
                yield join(at, key), message
        else:
            yield at, _message(details)


def join(*keys: str) -> str:
    """Keys one below the other as one path; empty ones are left out."""
    path = ""
    for key in keys:
        path += key if not path or not key or key.startswith("[") else f".{key}"
    return path


def _key(details: ErrorDetails, data: Any) -> str:
    """Path of the fault. pydantic adds the tags of unions to it, which are no keys of the job: they lead nowhere."""
    path = ""
    for part in details["loc"]:
        if isinstance(part, int) and isinstance(data, list | tuple) and part < len(data):
            path, data = join(path, f"[{part}]"), data[part]
        elif isinstance(data, dict) and part in data:
            path, data = join(path, str(part)), data[part]
        elif details["type"] == "missing" and isinstance(part, str):
            path = join(path, part)
    return path


def given(value: Any) -> str:
    """`value` as an error shows it."""
    if isinstance(value, str):
        return f"the text {value[:200]!r}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    try:
        text = f"{value!r}" if not isinstance(value, float) else f"{value:g}"
    except ValueError:
        # A whole number with more digits than Python prints.
        return "a very large number"
    return text if len(text) <= 80 else "a very large number"


def _number(details: ErrorDetails) -> str:
    value = details["input"]
    if isinstance(value, str):
        return f"must be a number, not {given(value)}; write it without quotes"
    if isinstance(value, int) and not isinstance(value, bool):
        return "is too large for a number"
    return f"must be a number, not {given(value)}"


def _literal(details: ErrorDetails) -> str:
    return f"must be {details['ctx']['expected']}, not {given(details['input'])}"


def _limit(words: str, key: str) -> Callable[[ErrorDetails], str]:
    def message(details: ErrorDetails) -> str:
        return f"must be {words} {details['ctx'][key]:g}, not {given(details['input'])}"

    return message


def _must_be(what: str) -> Callable[[ErrorDetails], str]:
    return lambda details: f"must be {what}, not {given(details['input'])}"


def _too_short(details: ErrorDetails) -> str:
    needed, present = details["ctx"]["min_length"], details["ctx"]["actual_length"]
    return f"needs at least {needed} {'entry' if needed == 1 else 'entries'}, has {present}"


def _too_long(details: ErrorDetails) -> str:
    return f"takes at most {details['ctx']['max_length']} entries, has {details['ctx']['actual_length']}"


def _text_length(details: ErrorDetails) -> str:
    context = details["ctx"]
    if "min_length" in context:
        return "is empty; write its text, or leave the key out"
    return f"is longer than {context['max_length']} characters"


_WORDING: dict[str, Callable[[ErrorDetails], str]] = {
    "missing": lambda d: MISSING if isinstance(d["loc"][-1], str) else f"has only {d['loc'][-1]} of its entries",
    "float_type": _number,
    "int_type": lambda d: _number(d).replace("a number", "a whole number"),
    "int_from_float": _must_be("a whole number"),
    "int_parsing_size": lambda _: "is too large for a number",
    "finite_number": _must_be("a finite number"),
    "bool_type": _must_be("true or false"),
    "string_type": lambda d: f"must be text in quotes, not {given(d['input'])}",
    "tuple_type": _must_be("a list in [ ]"),
    "list_type": _must_be("a list in [ ]"),
    "dict_type": _must_be("a table { key = value }"),
    "model_type": _must_be("a table"),
    "model_attributes_type": _must_be("a table"),
    "literal_error": _literal,
    "too_short": _too_short,
    "too_long": _too_long,
    "string_too_short": _text_length,
    "string_too_long": _text_length,
    "greater_than": _limit("above", "gt"),
    "greater_than_equal": _limit("at least", "ge"),
    "less_than": _limit("below", "lt"),
    "less_than_equal": _limit("at most", "le"),
}


def _message(details: ErrorDetails) -> str:
    """The fault in our words; pydantic's own where it has a kind of fault that no table of ours should raise."""
    wording = _WORDING.get(details["type"])
    return wording(details) if wording else f"{details['msg']}, not {given(details['input'])}"
