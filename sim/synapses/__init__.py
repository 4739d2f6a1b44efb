"""Synapses: what flows between two compartments of a network.

Owns the protocol and one file per synapse. Knows nothing of compartments, networks or time loops.
"""

from .conductance import ConductanceSynapse
from .current import CurrentSynapse
from .electrical import ElectricalSynapse
from .gap_junction import GapJunction
from .ionotropic import IonotropicSynapse
from .protocol import Synapse
from .tanh_conductance import TanhConductanceSynapse
from .tanh_rate import TanhRateSynapse
from .test_synapse import TestSynapse

__all__ = [
    "ConductanceSynapse",
    "CurrentSynapse",
    "ElectricalSynapse",
    "GapJunction",
    "IonotropicSynapse",
    "Synapse",
    "TanhConductanceSynapse",
    "TanhRateSynapse",
    "TestSynapse",
]
