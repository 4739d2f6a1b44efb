"""The report of a fit: plain data in (`ReportData`), one self-contained HTML page out (`render`)."""

from .data import Failure, HistoryView, ParameterView, ReportData, SweepView
from .render import render

__all__ = ["Failure", "HistoryView", "ParameterView", "ReportData", "SweepView", "render"]
