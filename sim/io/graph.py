"""Where scripts written for Jaxley find graph exchange; it lives in description/to_graph.py and from_graph.py."""

from ..description.from_graph import from_graph
from ..description.to_graph import to_graph

__all__ = ["from_graph", "to_graph"]
