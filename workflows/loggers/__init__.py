"""Loggers: programs that are told of a fit's steps, behind one callback.

`logger` is what one of them must do, `told` keeps them off the fit's way, `facts` what they are told. Each is a file of
its own, which imports its program when it is used.
"""

from .told import Told, directory_of, logger_faults, told_of

__all__ = ["Told", "directory_of", "logger_faults", "told_of"]
