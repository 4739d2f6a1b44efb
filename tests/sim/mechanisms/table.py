"""The tables of mechanisms (layer 5; Pospischil et al. 2008) in plain NumPy, float64: steady states and time constants.

Independent of the package, so that a slip in its identities (shared exponentials, complements, series) shows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Row = dict[str, tuple[np.ndarray, np.ndarray]]

QT = 2.3 ** ((34.0 - 21.0) / 10.0)


def L(x: np.ndarray, k: float) -> np.ndarray:
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, k, safe / -np.expm1(-safe / k))


def rates(alpha: np.ndarray, beta: np.ndarray, qt: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return alpha / (alpha + beta), 1.0 / ((alpha + beta) * qt)


def sodium(v: np.ndarray, half_m: float, half_h: float, slope_m: float = 6.0, slope_h: float = 6.0) -> Row:
    m = rates(0.182 * L(v - half_m, slope_m), 0.124 * L(half_m - v, slope_m), QT)
    h = rates(0.015 * L(half_h - v, slope_h), 0.015 * L(v - half_h, slope_h), QT)
    return {"m": m, "h": h}


def hh(v: np.ndarray) -> Row:
    return {
        "m": rates(0.1 * L(v + 40, 10), 4 * np.exp(-(v + 65) / 18)),
        "h": rates(0.07 * np.exp(-(v + 65) / 20), 1 / (np.exp(-(v + 35) / 10) + 1)),
        "n": rates(0.01 * L(v + 55, 10), 0.125 * np.exp(-(v + 65) / 80)),
    }


def nap_et2(v: np.ndarray) -> Row:
    _, tau_m = rates(0.182 * L(v + 38, 6), 0.124 * L(-(v + 38), 6), QT)
    _, tau_h = rates(2.88e-6 * L(-(v + 17), 4.63), 6.94e-6 * L(v + 64.4, 2.63), QT)
    return {"m": (1 / (1 + np.exp((v + 52.6) / -4.6)), 6 * tau_m), "h": (1 / (1 + np.exp((v + 48.8) / 10)), tau_h)}


def k_pst(v: np.ndarray) -> Row:
    u = v + 10
    tau_m = np.where(u < -50, 1.25 + 175.03 * np.exp(0.026 * u), 1.25 + 13 * np.exp(-0.026 * u)) / QT
    tau_h = (360 + (1010 + 24 * (u + 55)) * np.exp(-(((u + 75) / 48) ** 2))) / QT
    return {"m": (1 / (1 + np.exp(-(u + 1) / 12)), tau_m), "h": (1 / (1 + np.exp((u + 54) / 11)), tau_h)}


def k_tst(v: np.ndarray) -> Row:
    u = v + 10
    tau_m = (0.34 + 0.92 * np.exp(-(((u + 71) / 59) ** 2))) / QT
    tau_h = (8 + 49 * np.exp(-(((u + 73) / 23) ** 2))) / QT
    return {"m": (1 / (1 + np.exp(-u / 19)), tau_m), "h": (1 / (1 + np.exp((u + 66) / 10)), tau_h)}


def skv3_1(v: np.ndarray) -> Row:
    return {"m": (1 / (1 + np.exp((v - 18.7) / -9.7)), 4 / (1 + np.exp((v + 46.56) / -44.14)))}


def im(v: np.ndarray) -> Row:
    return {"m": rates(3.3e-3 * np.exp(0.1 * (v + 35)), 3.3e-3 * np.exp(-0.1 * (v + 35)), QT)}


def ih(v: np.ndarray) -> Row:
    return {"m": rates(0.00643 * L(-(v + 154.9), 11.9), 0.193 * np.exp(v / 33.1))}


def ca_hva(v: np.ndarray, shift: float = 0.0) -> Row:
    w = v + shift
    m = rates(0.055 * L(v + 27, 3.8), 0.94 * np.exp((-75 - v) / 17))
    h = rates(0.000457 * np.exp((-13 - w) / 50), 0.0065 / (np.exp((-w - 15) / 28) + 1))
    return {"m": m, "h": h}


def ca_lvast(v: np.ndarray) -> Row:
    u = v + 10
    tau_m = (5 + 20 / (1 + np.exp((u + 25) / 5))) / QT
    tau_h = (20 + 50 / (1 + np.exp((u + 40) / 7))) / QT
    return {"m": (1 / (1 + np.exp((u + 30) / -6)), tau_m), "h": (1 / (1 + np.exp((u + 80) / 6.4)), tau_h)}


def na(v: np.ndarray) -> Row:
    u = v + 60
    return {
        "m": rates(0.32 * L(u - 13, 4), 0.28 * L(-(u - 40), 5)),
        "h": rates(0.128 * np.exp(-(u - 17) / 18), 4 / (1 + np.exp(-(u - 40) / 5))),
    }


def k(v: np.ndarray) -> Row:
    return {"n": rates(0.032 * L(v + 60 - 15, 5), 0.5 * np.exp(-(v + 60 - 10) / 40))}


def km(v: np.ndarray) -> Row:
    tau = 4000 / (3.3 * np.exp((v + 35) / 20) + np.exp(-(v + 35) / 20))
    return {"p": (1 / (1 + np.exp(-(v + 35) / 10)), tau)}


def cal(v: np.ndarray) -> Row:
    rows = ca_hva(v)
    return {"q": rows["m"], "r": rows["h"]}


def cat(v: np.ndarray) -> Row:
    x = v + 2
    tau = (30.8 + (211.4 + np.exp((x + 113.2) / 5))) / (3.7 * (1 + np.exp((x + 84) / 3.2)))
    return {"u": (1 / (1 + np.exp((x + 81) / 4)), tau)}


GATES: dict[str, Callable[[np.ndarray], Row]] = {
    "HH": hh,
    "NaTa_t": lambda v: sodium(v, -38, -66),
    "NaTs2_t": lambda v: sodium(v, -32, -60),
    "NaTg": lambda v: sodium(v, -38, -66),
    "Nap_Et2": nap_et2,
    "K_Pst": k_pst,
    "K_Tst": k_tst,
    "SKv3_1": skv3_1,
    "Im": im,
    "Ih": ih,
    "Ca_HVA": ca_hva,
    "Ca_HVA2": lambda v: ca_hva(v, 12.3),
    "Ca_LVAst": ca_lvast,
    "Na": na,
    "K": k,
    "Km": km,
    "CaL": cal,
    "CaT": cat,
}

#: The current density over gbar and driving force, from the gates.
OPEN_FRACTION: dict[str, Callable[..., float]] = {
    "NaTa_t": lambda m, h: m**3 * h,
    "NaTs2_t": lambda m, h: m**3 * h,
    "NaTg": lambda m, h: m**3 * h,
    "Nap_Et2": lambda m, h: m**3 * h,
    "K_Pst": lambda m, h: m**2 * h,
    "K_Tst": lambda m, h: m**4 * h,
    "SKv3_1": lambda m: m,
    "Im": lambda m: m,
    "Ih": lambda m: m,
    "Ca_HVA": lambda m, h: m**2 * h,
    "Ca_HVA2": lambda m, h: m**2 * h,
    "Ca_LVAst": lambda m, h: m**2 * h,
    "SK_E2": lambda z: z,
}
