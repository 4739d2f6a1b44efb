"""Executors carry work items to workers: in this process, or to Ray actors (`ray_actors`, imported only when asked)."""

from .base import Executor
from .environment import worker_environment
from .in_process import InProcessExecutor

__all__ = ["Executor", "InProcessExecutor", "worker_environment"]
