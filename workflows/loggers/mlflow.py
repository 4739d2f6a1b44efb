"""MLflow: an experiment for the project, in it one run for ours, found again by a tag when the fit is resumed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from .logger import About, Ending

_TAG = "rallax_run"
_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
#: MLflow takes so many characters of a parameter, and so many parameters at once.
_LONGEST = 500
_MOST = 100


def make(about: About) -> MLflow:
    """The logger; the server is that of MLFLOW_TRACKING_URI."""
    return MLflow(about)


class MLflow:
    """See `Logger`."""

    def __init__(self, about: About) -> None:
        from mlflow.entities import Metric, Param
        from mlflow.tracking import MlflowClient

        self._metric = Metric
        self._client = MlflowClient()
        experiment = self._client.get_experiment_by_name(about.project)
        number = experiment.experiment_id if experiment else self._client.create_experiment(about.project)
        found = self._client.search_runs([number], f"tags.{_TAG} = '{about.key}'", max_results=1)
        if found:
            self._run = found[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return
        tags = {_TAG: about.key, "location": about.location}
        self._run = self._client.create_run(number, run_name=about.name, tags=tags).info.run_id
        settings = [Param(key, str(value)[:_LONGEST]) for key, value in about.settings.items()]
        for first in range(0, len(settings), _MOST):
            self._client.log_batch(self._run, params=settings[first : first + _MOST])

    def step(self, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(self._run, metrics=[self._metric(k, v, now, step) for k, v in values.items()])

    def end(self, ending: Ending) -> None:
        self._client.set_terminated(self._run, _STATUS[ending])
