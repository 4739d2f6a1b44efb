"""Mean, standard deviation and peak of the voltage in windows: a loss that does not ask spikes to fall on spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .loss import positive
from .target import Target
from .windows import Window, windowed_max, windowed_mean


@dataclass(frozen=True)
class WindowStats:
    """The mean over windows and over the statistics of d((statistic of v - statistic of target) / scale).

    d is the absolute value (``distance = "absolute"``) or the square (``"squared"``). ``windows_ms`` holds the windows,
    ``mean_scale_mV`` and ``std_scale_mV`` one scale (mV, above 0) or one per window; ``peak_scale_mV`` likewise, where
    the largest voltage of a window is a statistic too: it tells a spike from a plateau of the same spread, and leads a
    silent start towards firing. The standard deviation is that of the samples (divided by their number); where a
    trace does not vary at all its gradient is 0.
    """

    windows_ms: Sequence[Window | Sequence[float]]
    mean_scale_mV: float | Sequence[float]
    std_scale_mV: float | Sequence[float]
    distance: Literal["absolute", "squared"] = "absolute"
    peak_scale_mV: float | Sequence[float] | None = None
    windows: tuple[Window, ...] = field(init=False)
    mean_scales: tuple[float, ...] = field(init=False)
    std_scales: tuple[float, ...] = field(init=False)
    peak_scales: tuple[float, ...] = field(init=False)
    takes_window: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if isinstance(self.windows_ms, str) or not isinstance(self.windows_ms, Sequence) or not self.windows_ms:
            raise ValueError(f"windows_ms = {self.windows_ms!r} must be a list of [start, stop] in ms")
        object.__setattr__(self, "windows", tuple(Window.of(w) for w in self.windows_ms))
        object.__setattr__(self, "mean_scales", self._per_window("mean_scale_mV", self.mean_scale_mV))
        object.__setattr__(self, "std_scales", self._per_window("std_scale_mV", self.std_scale_mV))
        peaks = () if self.peak_scale_mV is None else self._per_window("peak_scale_mV", self.peak_scale_mV)
        object.__setattr__(self, "peak_scales", peaks)
        if self.distance not in ("absolute", "squared"):
            raise ValueError(f'distance = "{self.distance}" is not known; "absolute" or "squared"')

    def _per_window(self, name: str, scale: float | Sequence[float]) -> tuple[float, ...]:
        n = len(self.windows_ms)
        scales = tuple(scale) if isinstance(scale, Sequence) and not isinstance(scale, str) else (scale,) * n
        if len(scales) != n:
            raise ValueError(f"{name} has {len(scales)} values for {n} windows; one, or one per window, is needed")
        return tuple(positive(name, s) for s in scales)

    def __call__(self, v: Float[Array, " samples"], target: Target, window: Window | None = None) -> Float[Array, ""]:
        differences = []
        for w, mean_scale, std_scale in zip(self.windows, self.mean_scales, self.std_scales, strict=True):
            mean, std = _mean_and_std(v, target.time, w)
            target_mean, target_std = _mean_and_std(target.v.astype(v.dtype), target.time, w)
            differences += [(mean - target_mean) / mean_scale, (std - target_std) / std_scale]
        for w, peak_scale in zip(self.windows, self.peak_scales, strict=False):
            peak, target_peak = (windowed_max(x.astype(v.dtype), target.time, w) for x in (v, target.v))
            differences.append((peak - target_peak) / peak_scale)
        x = jnp.stack(differences)
        return jnp.mean(jnp.abs(x) if self.distance == "absolute" else jnp.square(x))

    def check(self, time: Float[np.ndarray, " samples"]) -> None:
        """Raises ValueError where a window holds no sample."""
        for w in self.windows:
            w.check(time)


def _mean_and_std(
    v: Float[Array, " samples"], time: Float[Array, " samples"], window: Window
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    mean = windowed_mean(v, time, window)
    variance = windowed_mean(jnp.square(v - mean), time, window)
    # sqrt has no finite derivative at 0; below this variance (mV²) the trace counts as constant.
    varies = variance > 1e-12
    return mean, jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1.0)), 0.0)
