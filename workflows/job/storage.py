"""[storage]: where the run is written and how often. Nothing here changes the result. Owns the keys only."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from .table import Table, wrong


def checked_place(place: str) -> str:
    """A directory, or a remote place in its one spelling. Raises a fault of the key where it is neither."""
    if "\0" in place:
        raise wrong(("", "has a null character; name a directory"))
    if "://" not in place:
        return place
    from rallax.storage import StorageError, check_place  # loads zarr, which a job with a mistake has no need of

    try:
        return check_place(place)
    except StorageError as error:
        raise wrong(("", str(error))) from None


class Storage(Table):
    """[storage]: the run's directory and its checkpoints."""

    run: Annotated[str, AfterValidator(checked_place)] | None = Field(
        None,
        min_length=1,
        description="Directory of the run, relative to the job file, or s3://BUCKET/PREFIX or gs://BUCKET/PREFIX, "
        "whose endpoint and credentials come from the environment. `runs/NAME` unless given.",
    )
    checkpoint_every_steps: int = Field(5, ge=1, description="Steps between two checkpoints.")
    keep: int = Field(3, ge=1, description="Checkpoints that are kept, beside the best.")
