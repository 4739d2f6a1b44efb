"""Real Ray: actors in processes of their own, one of them killed, resources that are not there."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fitting_toy import Store, bits, config, differing, run

from rallax.fitting import DispatchPolicy, FitError, Recipe, worker_environment
from rallax.fitting.events import Event, StartWorker, WorkerJoined, WorkerNotStarted

ray = pytest.importorskip("ray")
ray_actors = pytest.importorskip("rallax.fitting.executors.ray_actors")

# ray.init forks to execute its servers; JAX, already up in this process, warns of any fork.
pytestmark = pytest.mark.filterwarnings(r"ignore:os.fork\(\) was called:RuntimeWarning")

# Actors do not take over the path of a test session.
PATHS = [str(Path(__file__).parent), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
ENVIRONMENT = worker_environment(precision="float64") | {"PYTHONPATH": os.pathsep.join(PATHS)}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.shutdown()  # whatever another module has left
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()


def executor(config: dict | None = None, environment: dict[str, str] | None = None, **resources: float):
    recipe = Recipe("fitting_toy:build_toy", config or {})
    return ray_actors.RayExecutor(recipe, environment or ENVIRONMENT, **resources)


def gone(pid: int, seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


def test_the_executor_asks_for_a_connection_first() -> None:
    if ray.is_initialized():
        pytest.skip("Ray is up in this process")
    with pytest.raises(RuntimeError, match=r"connect to Ray first: ray.init\(\)"):
        executor()


def test_a_worker_killed_in_mid_fit_is_replaced_and_nothing_changes(cluster: None, tmp_path: Path) -> None:
    reference = bits(*run(config()))
    killed: list[int] = []
    answers: list[str] = []
    reports: list[str] = []

    def kill_one(event: Event) -> None:
        answers.append(type(event).__name__)
        if answers.count("Answered") == 20 and not killed:
            killed.append(min(int(p.name) for p in tmp_path.iterdir()))
            os.kill(killed[0], signal.SIGKILL)

    workers = executor({"seconds": 0.02, "pid_dir": str(tmp_path)})
    coordinator, store = run(
        config(),
        executor=_Watched(workers, kill_one),
        policy=DispatchPolicy(workers=1),
        on_report=lambda report: reports.append(report.kind),
    )
    workers.close()
    pids = [int(p.name) for p in tmp_path.iterdir()]
    assert killed and len(pids) == 2 and reports.count("worker lost") == 1
    assert (coordinator.dispatcher.budgets.failures, coordinator.dispatcher.budgets.preemptions) == (1, 0)
    assert differing(bits(coordinator, store), reference) == []
    assert os.getpid() not in pids and all(gone(pid) for pid in pids)


class _Watched:
    """An executor whose events someone looks at."""

    def __init__(self, inner, watch) -> None:
        self._inner, self._watch = inner, watch
        self.submit, self.close = inner.submit, inner.close

    def next_event(self, timeout: float) -> Event | None:
        event = self._inner.next_event(timeout)
        if event is not None:
            self._watch(event)
        return event


def test_workers_see_their_environment_before_jax_and_the_cpu_only(cluster: None) -> None:
    # The problem's module is imported in the actor after JAX; what JAX saw is what counts.
    recipe = Recipe("fitting_toy:environment_probe", {})
    workers = ray_actors.RayExecutor(recipe, ENVIRONMENT | {"JAX_ENABLE_X64": "1"})
    workers.submit(StartWorker())
    event = workers.next_event(60.0)
    workers.close()
    assert isinstance(event, WorkerNotStarted)
    assert "platforms=cpu devices=['cpu'] x64=True threads=1" in event.detail


def test_more_workers_than_there_is_room_for_is_told_and_the_fit_goes_on(cluster: None) -> None:
    told: list[str] = []
    workers = executor()
    coordinator, store = run(
        config(),
        executor=workers,
        policy=DispatchPolicy(workers=3),
        on_report=lambda report: told.append(report.message) if report.kind == "worker not started" else None,
    )
    workers.close()
    assert differing(bits(coordinator, store), bits(*run(config()))) == [] and len(told) == 1
    assert told[0].startswith("a worker needs 1 CPU, the Ray cluster has 2 CPU and 0 GPU and room for 2 such workers")


@pytest.mark.parametrize(
    "resources, recipe, words",
    [
        ({"cpus_per_worker": 5.0}, {}, "none is on its way: a worker needs 5 CPU, the Ray cluster has 2 CPU"),
        ({"gpus_per_worker": 1.0}, {}, "a worker needs 1 CPU and 1 GPU, the Ray cluster has 2 CPU and 0 GPU"),
        ({}, {"fail": "no file m.asc"}, "no worker could be started: the problem cannot be built: no file m.asc"),
    ],
)
def test_workers_that_cannot_be_had_end_the_fit_in_one_line(
    cluster: None, resources: dict, recipe: dict, words: str
) -> None:
    workers = executor(recipe, **resources)
    store = Store()
    with pytest.raises(FitError, match=words) as caught:
        run(config(), executor=workers, store=store)
    workers.close()
    assert "\n" not in str(caught.value) and len(store.trees) == 1


def test_a_fit_that_finds_no_room_waits_for_machines_as_long_as_it_is_told_to(cluster: None) -> None:
    told: list[tuple[str, str]] = []
    workers = executor(cpus_per_worker=5.0, await_nodes=3.0)
    began = time.monotonic()
    with pytest.raises(FitError, match="none is on its way: a worker needs 5 CPU"):
        run(config(), executor=workers, on_report=lambda report: told.append((report.kind, report.message)))
    workers.close()
    assert time.monotonic() - began > 3.0
    awaited = [message for kind, message in told if kind == "worker awaited"]
    assert len(awaited) == 1 and awaited[0].startswith("waiting up to 3 s for machines: a worker needs 5 CPU")


def test_a_worker_whose_gpu_is_not_visible_fails_loudly(cluster: None) -> None:
    # Ray believes in a GPU that JAX does not see.
    workers = executor(environment=worker_environment(precision="float32", gpus=0.0))
    workers._gpus = 0.5
    workers.submit(StartWorker())
    event = workers.next_event(60.0)
    workers.close()
    assert isinstance(event, WorkerNotStarted) and "JAX sees no GPU" in event.detail


def test_an_idle_second_costs_next_to_nothing(cluster: None) -> None:
    workers = executor({"seconds": 0.0}, elastic=True)
    workers.submit(StartWorker())
    assert isinstance(workers.next_event(60.0), WorkerJoined)
    used, began = time.process_time(), time.monotonic()
    # As the loop of a fit does it: half a second at a time.
    while time.monotonic() - began < 4.0:
        assert workers.next_event(0.5) is None
    assert (time.process_time() - used) / 4.0 < 0.05
    workers.close()
    workers.close()
