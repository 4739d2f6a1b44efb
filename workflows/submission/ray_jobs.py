"""The job server of a Ray cluster: submit, look, read the log, stop. The only file that speaks to Ray's Jobs API.

Owns the connection and the words of its errors. What is submitted is for `submit` to say.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import DONE, FAILED, STOPPED, UserError, one_line

#: Seconds between the signal that asks a job to stop and the one that ends it: time to commit and to write the report.
#: Ray's own is 3.
STOP_SECONDS = 120
_CONNECT_SECONDS = 10.0
_AGENT_SECONDS = 120.0
HOW = "give the address of the head's dashboard, such as http://HEAD:8265"


@dataclass(frozen=True)
class JobState:
    """A submitted job: `status` is PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED, as Ray has it; times in s."""

    id: str
    status: str
    message: str
    exit_code: int | None
    started: float | None
    ended: float | None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in ("STOPPED", "SUCCEEDED", "FAILED")

    @property
    def code(self) -> int:
        """The exit code that a command ends with after following the job to its end: the entry point's own."""
        if self.status == "SUCCEEDED":
            return DONE
        if self.status == "STOPPED":
            return STOPPED
        return self.exit_code if self.exit_code in (2, 3) else FAILED


class RayJobs:
    """The job server at an address."""

    def __init__(self, address: str | None) -> None:
        """Connect.

        Raises
        ------
        UserError : no address, none of HTTP, or nothing answers there as Ray's job server does
        """
        self.address = _checked(address)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if _has_token():
            # Ray shows a token to a cluster only if told so; one that asks for none pays no heed.
            os.environ.setdefault("RAY_AUTH_MODE", "token")
        from ray.job_submission import JobSubmissionClient

        for name in ("ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk", "ray.job_submission"):
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            self._client = JobSubmissionClient(self.address)
        except Exception as error:
            # Whatever the answer is that is none of Ray's: the client raises all sorts.
            raise UserError(f"{self.address}: no job server of Ray answers as it should ({_told(error)})") from None

    def submit(
        self, name: str, entry: str, package: Path, environment: Mapping[str, str], metadata: Mapping[str, str]
    ) -> str:
        """Upload the package, start the entry point, and give the job's id, `name`.

        Raises
        ------
        UserError : the cluster refuses the package or the job
        """
        runtime = {"working_dir": str(package), "env_vars": dict(environment)}
        end = time.monotonic() + _AGENT_SECONDS
        while True:
            try:
                return str(
                    self._client.submit_job(
                        entrypoint=entry, submission_id=name, runtime_env=runtime, metadata=dict(metadata)
                    )
                )
            except Exception as error:
                # A head that has just started answers before the process is up that takes jobs.
                if "No available agent" not in str(error) or time.monotonic() > end:
                    raise UserError(f"{self.address}: does not take the job ({_told(error)})") from None
            time.sleep(2.0)

    def state(self, job: str) -> JobState:
        """How a job stands. Raises UserError where there is none of that id."""
        try:
            return _state(self._client.get_job_info(job))
        except Exception as error:
            raise self._unknown(job, error) from None

    def states(self) -> list[JobState]:
        """All jobs that rallax has submitted, the latest first."""
        try:
            found = [_state(info) for info in self._client.list_jobs() if info.submission_id]
        except Exception as error:
            raise UserError(f"{self.address}: {_told(error)}") from None
        return sorted((s for s in found if "rallax" in s.metadata), key=lambda s: s.started or 0.0, reverse=True)

    def log(self, job: str) -> str:
        """What it has printed so far. Raises UserError where there is none of that id."""
        self.state(job)
        try:
            return str(self._client.get_job_logs(job))
        except Exception as error:
            raise self._unknown(job, error) from None

    def follow(self, job: str, write: Callable[[str], Any]) -> JobState:
        """Pass on what it prints until it ends. Raises UserError where there is none, or the connection breaks."""
        self.wait(job, lambda state: state.status != "PENDING")

        async def pump() -> None:
            async for text in self._client.tail_job_logs(job):
                write(text)

        try:
            asyncio.run(pump())
        except Exception as error:
            raise UserError(
                f"{self.address}: the log of {job} breaks off ({_told(error)}); the job itself may still run"
            ) from None
        return self.wait(job, lambda state: state.over, 30.0)

    def stop(self, job: str) -> JobState:
        """Ask a job to commit and end, and wait until it has. Raises UserError where there is none."""
        if (state := self.state(job)).over:
            return state
        try:
            self._client.stop_job(job)
        except Exception as error:
            raise self._unknown(job, error) from None
        return self.wait(job, lambda state: state.over, STOP_SECONDS + 30.0)

    def wait(self, job: str, until: Callable[[JobState], bool], seconds: float | None = None) -> JobState:
        """The job's state once `until` holds for it, or after so many seconds."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            state = self.state(job)
            if until(state) or state.over or (end is not None and time.monotonic() > end):
                return state
            time.sleep(0.5)

    def _unknown(self, job: str, error: BaseException) -> UserError:
        if "does not exist" in str(error):
            return UserError(f"{job}: no such job at {self.address}; rallax list --address {self.address} shows them")
        return UserError(f"{self.address}: {_told(error)}")


def _checked(address: str | None) -> str:
    """The address, if something listens there; asked first, since Ray's client waits without end."""
    if not address:
        raise UserError(f"--address: is missing; {HOW}, or set RAY_API_SERVER_ADDRESS")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UserError(f"--address {address}: is no address ({error}); {HOW}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UserError(f"--address {address}: is no address of HTTP; {HOW}")
    try:
        socket.create_connection((host, port or (443 if parts.scheme == "https" else 80)), _CONNECT_SECONDS).close()
    except OSError as error:
        why = error.strerror or str(error)
        raise UserError(
            f"--address {address}: nothing answers there ({why}); is it the head, and its dashboard's port?"
        ) from None
    return address.rstrip("/")


def _has_token() -> bool:
    """Whether this user has the token that Ray clusters ask for, where Ray looks for it."""
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or (Path.home() / ".ray" / "auth_token").is_file()


def _state(info: Any) -> JobState:
    return JobState(
        id=info.submission_id or "",
        status=str(getattr(info.status, "value", info.status)),
        message=one_line(info.message or ""),
        exit_code=info.driver_exit_code,
        started=None if info.start_time is None else info.start_time / 1000,
        ended=None if info.end_time is None else info.end_time / 1000,
        metadata=dict(info.metadata or {}),
    )


def _told(error: BaseException) -> str:
    """The last line of what Ray says, which its tracebacks end with."""
    lines = [line for line in str(error).strip().splitlines() if line.strip(" ^~.\"'")]
    return one_line(lines[-1] if lines else type(error).__name__, 200)
