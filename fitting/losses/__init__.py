"""Losses of a simulated trace against a recorded one: one per file, `build_loss` from a job's terms."""

from .composite import CompositeLoss, Term
from .huber import Huber
from .library import LOSSES, build_loss
from .loss import Loss
from .mae import MeanAbsoluteError
from .mse import MeanSquareError
from .target import Target, make_target
from .user import UserLoss
from .window_stats import WindowStats
from .windows import Window

__all__ = [
    "LOSSES",
    "CompositeLoss",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquareError",
    "Target",
    "Term",
    "UserLoss",
    "Window",
    "WindowStats",
    "build_loss",
    "make_target",
]
