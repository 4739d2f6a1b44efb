"""Where scripts written for Jaxley find pumps; they live in mechanisms/."""

from .mechanisms import CaFaradayConcentrationChange, CaNernstReversal, CaPump, Pump

__all__ = ["CaFaradayConcentrationChange", "CaNernstReversal", "CaPump", "Pump"]
