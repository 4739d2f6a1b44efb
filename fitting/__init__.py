"""Fitting: parameters, losses, optimisers, the coordinator and the executors that carry its work.

Sees a model only as functions on arrays (`Problem`) and storage only as a callback. The Ray executor is imported from
`rallax.fitting.executors.ray_actors`, by those who use Ray.
"""

from .config import DispatchPolicy, FitConfig
from .coordinator import Coordinator
from .device import device_class
from .driver import fit_loop, trace_loop
from .errors import FitError
from .events import Event, Report
from .executors import Executor, InProcessExecutor, worker_environment
from .losses import CompositeLoss, Target, build_loss, make_target
from .optimizers import Optimizer, build_optimizer, known_optimizers
from .outcome import FitResult, Progress, Snapshot
from .parameters import Parameter, ParameterSpace
from .problem import Problem, Recipe, SweepGroup, build
from .traces import TracedBlock, TraceRun
from .work import Answer, Tag, WorkItem, perform

__all__ = [
    "Answer",
    "CompositeLoss",
    "Coordinator",
    "DispatchPolicy",
    "Event",
    "Executor",
    "FitConfig",
    "FitError",
    "FitResult",
    "InProcessExecutor",
    "Optimizer",
    "Parameter",
    "ParameterSpace",
    "Problem",
    "Progress",
    "Recipe",
    "Report",
    "Snapshot",
    "SweepGroup",
    "Tag",
    "Target",
    "TraceRun",
    "TracedBlock",
    "WorkItem",
    "build",
    "build_loss",
    "build_optimizer",
    "device_class",
    "fit_loop",
    "known_optimizers",
    "make_target",
    "perform",
    "trace_loop",
    "worker_environment",
]
