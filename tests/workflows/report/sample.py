"""Report data for the tests: traces that look like a cell's, without a cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from rallax.workflows.report import Failure, HistoryView, ParameterView, ReportData, SweepView


def voltage(time: np.ndarray, amplitude: float, shift: float = 0.0) -> np.ndarray:
    """A charging curve between 10 and 90 % of ``time``, with spikes on it above 0.25 nA."""
    on, off = 0.1 * time[-1], 0.9 * time[-1]
    rise = 1.0 - np.exp(-np.clip(time - on, 0.0, off - on) / 8.0)
    v = -75.0 + np.clip(100.0 * amplitude, -40.0, 20.0) * rise * np.exp(-np.clip(time - off, 0.0, None) / 8.0)
    if amplitude > 0.25:
        for at in np.arange(on + 5.0 + shift, off, 12.0 / amplitude):
            v = v + 90.0 * np.exp(-0.5 * ((time - at) / 0.5) ** 2)
    return v


def sweep(
    name: str = "IV_265", use: str = "train", amplitude: float = 0.4, samples: int = 1001, starts: int = 3
) -> Any:
    time = np.linspace(0.0, 100.0, samples)
    noise = 0.3 * np.random.default_rng(0).standard_normal(samples)
    current_time = np.linspace(0.0, 100.0, 2 * samples)
    return SweepView(
        name=name,
        use=use,  # type: ignore[arg-type]
        time=time,
        target=voltage(time, amplitude) + noise,
        stimulus_time=current_time,
        stimulus=np.where((current_time >= 10.0) & (current_time < 90.0), amplitude, 0.0),
        fits={k: voltage(time, amplitude, shift=0.3 * k) + 0.2 * k for k in range(starts)},
        loss=0.1,
    )


def history(steps: int = 12, starts: int = 3) -> HistoryView:
    rng = np.random.default_rng(0)
    losses = np.exp(-np.arange(steps)[:, None] / (4.0 + np.arange(starts))) + 0.05 * np.arange(1, starts + 1)
    return HistoryView(
        step=np.arange(steps),
        train=losses,
        validation=1.2 * losses,
        candidates=np.exp(rng.normal(1.0, 0.7, 64)),
        validation_candidates=np.exp(rng.normal(1.2, 0.7, 64)),
    )


def report_data(**changes: Any) -> ReportData:
    """A finished fit of three starts; ``changes`` replace fields."""
    fields: dict[str, Any] = {
        "name": "l5ttpc-subthreshold",
        "status": "Finished after 12 of 12 steps",
        "best_start": 0,
        "best_loss": 0.11,
        "best_validation_loss": 0.13,
        "best_step": 11,
        "sweeps": (
            sweep("IV_265", amplitude=-0.2),
            sweep("IV_271", amplitude=0.6),
            sweep("IV_272", "validate", amplitude=0.4),
        ),
        "history": history(),
        "parameters": (
            ParameterView("g_pas", 1e-5, 1e-3, np.array([1e-4, 2e-5, np.nan]), "log", "S/cm²", "all"),
            ParameterView("e_pas", -95.0, -60.0, np.array([-60.1, -80.0, -75.0]), unit="mV", region="all"),
        ),
        "failures": (Failure("frozen", "its loss was not finite three times", start=2, step=7),),
        "facts": {"Fitted in": "3 min 12 s"},
        "provenance": {"Versions": {"rallax": "0.1.0", "jax": "0.10.2"}, "Machine": {"cores": "2"}},
        "job_toml": 'name = "l5ttpc-subthreshold"\n',
        "created": "2026-11-23 17:05 UTC",
    }
    return ReportData(**(fields | changes))
