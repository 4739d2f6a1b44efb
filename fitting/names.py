"""The nearest known name in errors, and calls with checked arguments; knows no losses or optimisers."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause that helps the reader of an error: ``did you mean "adam"?`` or ``known: a, b, c``."""
    names = sorted(known)
    close = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.5)
    if close:
        return f'did you mean "{close[0]}"?'
    return "known: " + ", ".join(names)


def call_with(place: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call ``function(**arguments)`` after checking the names; an error is one line that begins with ``place``.

    Raises:
        ValueError: an unknown or missing argument, or a value that ``function`` refuses.
    """
    parameters = inspect.signature(function).parameters
    for name in arguments:
        if name not in parameters:
            raise ValueError(f'{place}: unknown argument "{name}"; {nearest(name, parameters)}')
    missing = [
        name
        for name, p in parameters.items()
        if p.default is inspect.Parameter.empty
        and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        and name not in arguments
    ]
    if missing:
        raise ValueError(f"{place}: {' and '.join(missing)} must be given")
    try:
        return function(**arguments)
    except (TypeError, ValueError, AttributeError, AssertionError) as error:
        raise ValueError(f"{place}: {' '.join(str(error).split())}") from None
