"""[storage]: where the run is written and how often. Nothing here changes the result. Owns the keys only."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from .table import Table, wrong


def _local(place: str) -> str:
    if "://" in place:
        scheme = place.partition("://")[0]
        raise wrong(("", f"{place!r}: remote stores ({scheme}://) are not built yet; name a directory"))
    if "\0" in place:
        raise wrong(("", "has a null character; name a directory"))
    return place


class Storage(Table):
    """[storage]: the run's directory and its checkpoints."""

    run: Annotated[str, AfterValidator(_local)] | None = Field(
        None, min_length=1, description="Directory of the run, relative to the job file. `runs/NAME` unless given."
    )
    checkpoint_every_steps: int = Field(5, ge=1, description="Steps between two checkpoints.")
    keep: int = Field(3, ge=1, description="Checkpoints that are kept, beside the best.")
