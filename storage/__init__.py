"""Runs on storage: trees and arrays <-> a zarr run, with a commit protocol that loses nothing.

Sees only arrays (`Variable`), trees (nested dictionaries of arrays and scalars) and JSON attributes; knows neither the
simulator nor the fit. Start at `RunStore`.
"""

from .async_committer import AsyncCommitter
from .checkpoints import Checkpoint, Commit
from .create import runs_in
from .errors import (
    DamagedRun,
    DiskFull,
    Fenced,
    NewerFormat,
    NotARun,
    NotStorable,
    NotWritable,
    RunExists,
    StorageError,
)
from .groups import Damage
from .layout import FORMAT_VERSION
from .parameters import ParameterTable
from .remote_store import RemoteStore, check_place, is_remote
from .run_store import RunStore
from .store import LocalStore, Store
from .trace_parts import PartWriter
from .tree import Tree
from .variable import Group, Variable

__all__ = [
    "FORMAT_VERSION",
    "AsyncCommitter",
    "Checkpoint",
    "Commit",
    "Damage",
    "DamagedRun",
    "DiskFull",
    "Fenced",
    "Group",
    "LocalStore",
    "NewerFormat",
    "NotARun",
    "NotStorable",
    "NotWritable",
    "ParameterTable",
    "PartWriter",
    "RemoteStore",
    "RunExists",
    "RunStore",
    "StorageError",
    "Store",
    "Tree",
    "Variable",
    "check_place",
    "is_remote",
    "runs_in",
]
