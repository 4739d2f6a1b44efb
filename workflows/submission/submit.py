"""From a job or a run to a job on a cluster. Owns the entry point, its environment and its metadata."""

from __future__ import annotations

import shlex
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from shlex import quote

from ..entry import parse_entry
from ..errors import UserError
from ..job import Job, load_job
from ..resolve import SHIPPED, resolve
from .location import in_shell, run_on_cluster
from .package import MAX_BYTES, Travelling, pack
from .ray_jobs import STOP_SECONDS, RayJobs
from .wheel import wheel_files


@dataclass(frozen=True)
class Submitted:
    """A job that a cluster has taken: its id there, where its run lies, and what went along."""

    id: str
    run: str
    files: tuple[str, ...]
    left: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Terms:
    """What the caller chooses about how a job runs there.

    Attributes
    ----------
    python : the interpreter on the head
    environment : variables of the job and its workers; the cluster's dashboard shows them
    limit : most bytes of the package
    """

    python: str = "python"
    environment: Mapping[str, str] = field(default_factory=dict)
    limit: int = MAX_BYTES

    def options(self) -> list[str]:
        """The same as words of the command line."""
        python = [] if self.python == Terms.python else ["--python", self.python]
        variables = [word for name, value in self.environment.items() for word in ("--env", f"{name}={value}")]
        return [*python, *variables]


def submit_job(
    jobs: RayJobs,
    file: str,
    overrides: Sequence[str] = (),
    *,
    run: str | None = None,
    go_on: bool = False,
    terms: Terms = Terms(),
) -> Submitted:
    """Submit a job file.

    Parameters
    ----------
    run : where its run is to lie, see `location`
    go_on : continue the run that is there already, if it is of this very job

    Raises
    ------
    JobError, UserError : faults of the job and of the call; nothing is submitted
    """
    job = load_job(file, overrides, elsewhere=True)
    place = run_on_cluster(job, run)
    path = Path(file).absolute()
    changes = [word for text in overrides for word in ("--set", text)]

    def command(folder: str) -> list[str]:
        more = ["--resume"] if go_on else []
        return ["run", quote(f"{folder}/{path.name}"), "--run", in_shell(place), *more, *map(quote, changes)]

    again = ["rallax", "submit", str(path), "--resume", "--run", place, *changes]
    files = [Travelling(path.name, path), *_named_files(job)]
    return _submit(jobs, job, files, command, place, _hash(job), again, terms)


def submit_run(
    jobs: RayJobs, run: str, *, steps: int | None = None, files: str | None = None, terms: Terms = Terms()
) -> Submitted:
    """Submit the continuation of a run that both this machine and the cluster see; its files go along again.

    Parameters
    ----------
    files : the folder here that the job's file names are relative to; default where they were when the run was made,
        which for a submitted run was on the head

    Raises
    ------
    StorageError, JobError, UserError : no run, or its files are not what they were; nothing is submitted
    """
    from ..run import Run

    resolved = Run.open(run).resolved
    if files is not None:
        resolved = resolved.in_folder(files)
    resolved.verify()
    place = run if "://" in run else str(Path(run).absolute())

    def command(folder: str) -> list[str]:
        more = [] if steps is None else ["--steps", str(steps)]
        return ["resume", in_shell(place), "--files", quote(folder), *more]

    again = ["rallax", "submit", place, *([] if files is None else ["--files", str(Path(files).absolute())])]
    again += [] if steps is None else ["--steps", str(steps)]
    return _submit(jobs, resolved.job, _named_files(resolved.job), command, place, resolved.hash, again, terms)


def _submit(
    jobs: RayJobs,
    job: Job,
    files: Sequence[Travelling],
    command: Callable[[str], list[str]],
    place: str,
    job_hash: str,
    again: Sequence[str],
    terms: Terms,
) -> Submitted:
    with tempfile.TemporaryDirectory(prefix="rallax-submit-") as folder:
        package = pack(Path(folder) / "package.zip", wheel_files(), job.folder, files, terms.limit)
        metadata = {
            "rallax": version("rallax"),
            "job_name": job.name,
            "job_hash": job_hash,
            "cell": job.model.morphology or job.model.build or "",
            "run": place,
            "again": shlex.join([*again, *terms.options(), "--address", jobs.address]),
        }
        environment = {
            # Ray's supervisor of the job reads it from the job's own environment.
            "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS),
            "PYTHONUNBUFFERED": "1",
            **terms.environment,
            SHIPPED: package.folder,
        }
        # exec: the signal that stops the job then reaches rallax alone, and its exit code is the job's.
        entry = " ".join(
            ["exec", quote(terms.python), "-m", "rallax.workflows.cli", *command(package.folder), "--address", "auto"]
        )
        found = jobs.submit(f"{job.name}-{uuid.uuid4().hex[:6]}", entry, package.path, environment, metadata)
    return Submitted(found, place, package.files, package.left, package.size)


def _named_files(job: Job) -> list[Travelling]:
    """Everything on disk that a job names; modules of Python are the cluster's own."""
    named = [name for _, name in job.data_files()]
    entries = (parse_entry(text) for _, text in job.entries())
    named += [entry.place for entry in entries if entry.is_file]
    return [Travelling(name, job.path(name)) for name in dict.fromkeys(named)]


def _hash(job: Job) -> str:
    """The job's hash, before anything is decided about its run; "" where only the cluster has its files."""
    try:
        return resolve(job).hash
    except UserError:
        return ""
