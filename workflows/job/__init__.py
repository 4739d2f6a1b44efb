"""The job file: one pydantic model of it, a file per table, and its reading."""

from .job import Job
from .load import load_job, make_job

__all__ = ["Job", "load_job", "make_job"]
