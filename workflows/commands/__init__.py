"""The commands, one file each. Owns their discovery.

A file has `register(app)`, which adds its command, and loads what is heavy (JAX, Ray, the readers of recordings)
inside the command, so that `--help` and errors in the call stay quick.
"""

from __future__ import annotations

import importlib
import pkgutil

import typer

FIT = "Fit"
LOOK = "Look"
CHECK = "Check"
CLUSTER = "Cluster"
"""The panels of `rallax --help` that the commands stand in."""


def register_all(app: typer.Typer) -> None:
    """Add the command of every file of this folder whose name does not begin with an underscore."""
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__name__}.{module.name}").register(app)
