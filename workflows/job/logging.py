"""[logging]: who else is told of the steps. Nothing here changes the result. Owns the keys only."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from .table import Table, wrong


class Logging(Table):
    """[logging]: TensorBoard, MLflow and Weights & Biases, told of every step that is committed."""

    loggers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = Field(
        (),
        strict=False,
        description='Any of "tensorboard", "mlflow" and "wandb"; each needs the extra of its name. Servers and '
        "credentials come from the environment, as for these programs (`MLFLOW_TRACKING_URI`, `WANDB_MODE` ...).",
    )
    project: str | None = Field(
        None, min_length=1, max_length=100, description="MLflow's experiment, the project of wandb; the job's name."
    )
    directory: str | None = Field(
        None,
        min_length=1,
        description="Where TensorBoard's files go, relative to the job file; `tensorboard` in the run unless given. "
        "Needed where the run is remote.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Logging:
        if len(set(self.loggers)) < len(self.loggers):
            raise wrong(("loggers", "names one twice; each once"))
        return self
