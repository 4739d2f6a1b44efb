"""Membrane mechanisms: what flows through a compartment's membrane, and what its calcium does.

Owns the protocol, the rate helpers and one file per mechanism. Knows nothing of compartments, trees or time loops.
"""

from .adex import AdEx
from .ca_faraday_concentration_change import CaFaradayConcentrationChange
from .ca_hva import Ca_HVA
from .ca_hva2 import Ca_HVA2
from .ca_lvast import Ca_LVAst
from .ca_nernst_reversal import CaNernstReversal
from .ca_pump import CaPump
from .cadynamics_dc0 import CaDynamics_DC0
from .cadynamics_e2 import CaDynamics_E2
from .cal import CaL
from .calcium_pool import CalciumPool
from .cat import CaT
from .fire import Fire
from .gated_channel import GatedChannel
from .gates import (
    Gate,
    exponential_euler,
    linoid,
    linoid_gate,
    relax,
    save_exp,
    sigmoid,
    solve_gate_exponential,
    solve_gate_implicit,
    solve_inf_gate_exponential,
)
from .hh import HH
from .ih import Ih
from .im import Im
from .izhikevich import Izhikevich
from .k import K
from .k_pst import K_Pst
from .k_tst import K_Tst
from .km import Km
from .leak import Leak
from .library import LIBRARY, by_name, create
from .na import Na
from .nap_et2 import Nap_Et2
from .nata_t import NaTa_t
from .natg import NaTg
from .nats2_t import NaTs2_t
from .nernst import nernst_potential
from .pas import pas
from .point_neuron import PointNeuron
from .protocol import Channel, ConcentrationPool, Mechanism
from .pump import Pump
from .rate import Rate
from .sk_e2 import SK_E2
from .skv3_1 import SKv3_1

__all__ = [
    "HH",
    "LIBRARY",
    "SK_E2",
    "AdEx",
    "CaDynamics_DC0",
    "CaDynamics_E2",
    "CaFaradayConcentrationChange",
    "CaL",
    "CaNernstReversal",
    "CaPump",
    "CaT",
    "Ca_HVA",
    "Ca_HVA2",
    "Ca_LVAst",
    "CalciumPool",
    "Channel",
    "ConcentrationPool",
    "Fire",
    "Gate",
    "GatedChannel",
    "Ih",
    "Im",
    "Izhikevich",
    "K",
    "K_Pst",
    "K_Tst",
    "Km",
    "Leak",
    "Mechanism",
    "Na",
    "NaTa_t",
    "NaTg",
    "NaTs2_t",
    "Nap_Et2",
    "PointNeuron",
    "Pump",
    "Rate",
    "SKv3_1",
    "by_name",
    "create",
    "exponential_euler",
    "linoid",
    "linoid_gate",
    "nernst_potential",
    "pas",
    "relax",
    "save_exp",
    "sigmoid",
    "solve_gate_exponential",
    "solve_gate_implicit",
    "solve_inf_gate_exponential",
]
