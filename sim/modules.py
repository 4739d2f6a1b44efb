"""Where scripts written for Jaxley find the modules; they live in description/."""

from .description.module import Branch, Cell, Compartment, Module
from .description.network import Network
from .description.view import View

__all__ = ["Branch", "Cell", "Compartment", "Module", "Network", "View"]
