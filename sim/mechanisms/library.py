"""From a mechanism's name, as job files write it, to its class.

Owns the list of mechanisms that ship; a model built in Python may use any other subclass of `Mechanism`.
"""

from __future__ import annotations

import difflib
import inspect

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
from .cat import CaT
from .fire import Fire
from .hh import HH
from .ih import Ih
from .im import Im
from .izhikevich import Izhikevich
from .k import K
from .k_pst import K_Pst
from .k_tst import K_Tst
from .km import Km
from .leak import Leak
from .na import Na
from .nap_et2 import Nap_Et2
from .nata_t import NaTa_t
from .natg import NaTg
from .nats2_t import NaTs2_t
from .pas import pas
from .protocol import Mechanism
from .rate import Rate
from .sk_e2 import SK_E2
from .skv3_1 import SKv3_1

_CLASSES: tuple[type[Mechanism], ...] = (
    HH,
    Leak,
    pas,
    NaTa_t,
    NaTs2_t,
    NaTg,
    Nap_Et2,
    K_Pst,
    K_Tst,
    SKv3_1,
    Im,
    Ih,
    Ca_HVA,
    Ca_HVA2,
    Ca_LVAst,
    SK_E2,
    CaDynamics_E2,
    CaDynamics_DC0,
    Na,
    K,
    Km,
    CaL,
    CaT,
    CaPump,
    CaFaradayConcentrationChange,
    CaNernstReversal,
    Izhikevich,
    AdEx,
    Fire,
    Rate,
)

#: Every mechanism that ships, by name.
LIBRARY: dict[str, type[Mechanism]] = {cls.__name__: cls for cls in _CLASSES}


def by_name(name: str) -> type[Mechanism]:
    """The class of this name.

    Raises:
        ValueError: no mechanism has this name; the message lists the nearest ones.
    """
    if name in LIBRARY:
        return LIBRARY[name]
    folded = {known.lower(): known for known in LIBRARY}
    near = [folded[match] for match in difflib.get_close_matches(str(name).lower(), folded, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(LIBRARY))}"
    raise ValueError(f"no mechanism is called {name!r}; {hint}")


def create(name: str, *, temperature: float | None = None) -> Mechanism:
    """An instance of the class `name`; `temperature` (degrees Celsius) reaches those that depend on it.

    Raises:
        ValueError: no mechanism has this name.
    """
    cls = by_name(name)
    if temperature is not None and "temperature" in inspect.signature(cls).parameters:
        return cls(temperature=temperature)  # type: ignore[call-arg]
    return cls()
