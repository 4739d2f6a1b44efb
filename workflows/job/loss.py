"""[loss]: how far a simulated voltage is from the recorded one, as a weighted sum of terms.

Owns: the keys of each kind of term. The arithmetic belongs to `rallax.fitting`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from ..entry import check_entry
from ..errors import nearest
from .faults import given
from .table import Interval, Table, check, wrong

LATER = ("soft_dtw", "features")
USER = "file.py:function"


class Term(Table):
    """What every term has."""

    weight: float = Field(1.0, gt=0, description="Factor of the term in the sum.")


class SampleTerm(Term):
    """What the terms have that compare sample by sample."""

    scale_mV: float = Field(1.0, gt=0, description="Difference in mV that counts as 1.")
    window_ms: Interval | None = Field(
        None, description="Samples it looks at, [begin, end] in ms from the start of the sweep. All unless given."
    )


class MseTerm(SampleTerm):
    """Mean over samples of ((v − target)/scale)²."""

    kind: Literal["mse"] = Field(description="Mean squared difference.")


class MaeTerm(SampleTerm):
    """Mean over samples of |v − target|/scale."""

    kind: Literal["mae"] = Field(description="Mean absolute difference.")


class HuberTerm(SampleTerm):
    """Mean over samples of Huber's function of (v − target)/scale: squared below `delta`, linear beyond it."""

    kind: Literal["huber"] = Field(description="Squared for small differences, linear for large ones.")
    delta: float = Field(1.0, gt=0, description="Where squared becomes linear, in units of the scale.")


def _scales(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else (value,)
    for one in values:
        if isinstance(one, bool) or not isinstance(one, int | float) or not 0 < one < 1e300:
            raise wrong(("", f"must be a number above 0, or a list with one for each window, not {given(one)}"))
    return tuple(float(one) for one in values) if isinstance(value, list | tuple) else float(value)


Scales = Annotated[
    float | tuple[float, ...],
    BeforeValidator(_scales),
    WithJsonSchema({"type": "number or list of numbers"}),
]


class WindowStatsTerm(Term):
    """Mean over windows of the scaled differences of the voltage's mean, standard deviation and, if asked, peak."""

    kind: Literal["window_stats"] = Field(
        description="Mean, standard deviation and, with `peak_scale_mV`, largest voltage in windows."
    )
    windows_ms: tuple[Interval, ...] | None = Field(
        None,
        strict=False,
        min_length=1,
        description="The windows, each [begin, end] in ms from the start of the sweep. This or `width_ms`.",
    )
    width_ms: float | None = Field(
        None, gt=0, description="Width in ms of windows side by side over the whole sweep. This or `windows_ms`."
    )
    mean_scale_mV: Scales = Field(
        1.0, description="Difference of means in mV that counts as 1; one number, or one for each of `windows_ms`."
    )
    std_scale_mV: Scales = Field(
        1.0, description="Difference of standard deviations in mV that counts as 1; likewise one or several."
    )
    peak_scale_mV: Scales | None = Field(
        None,
        description="Difference of the windows' largest voltages in mV that counts as 1; likewise. Without it they do "
        "not count. A peak tells a spike from a plateau of the same spread.",
    )
    distance: Literal["absolute", "squared"] = Field(
        "absolute", description="Whether scaled differences are taken absolute or squared."
    )

    @model_validator(mode="after")
    def _windows(self) -> WindowStatsTerm:
        if (self.windows_ms is None) == (self.width_ms is None):
            raise wrong(("windows_ms", "or width_ms is needed, and only one; such as windows_ms = [[0.0, 20.0]]"))
        begins = [begin for begin, _ in self.windows_ms or ()]
        if begins != sorted(begins):
            raise wrong(("windows_ms", "are not in order of time; write the earliest window first"))
        check(self._scale_faults())
        return self

    def _scale_faults(self) -> Iterator[tuple[str, str]]:
        for key in ("mean_scale_mV", "std_scale_mV", "peak_scale_mV"):
            scale = getattr(self, key)
            if isinstance(scale, tuple) and self.windows_ms is None:
                yield key, "has one number for each window, which goes with windows_ms only; write one number"
            elif isinstance(scale, tuple) and len(scale) != len(self.windows_ms or ()):
                yield key, f"has {len(scale)} numbers for {len(self.windows_ms or ())} windows; one for each, or one"


class UserTerm(Term):
    """A loss of one's own: f(v, target, time) -> scalar, in mV and ms, written in JAX."""

    kind: str = Field(description='"file.py:function" or "module:function" with f(v, target, time) -> scalar.')


TERMS: dict[str, type[Term]] = {
    "mse": MseTerm,
    "mae": MaeTerm,
    "huber": HuberTerm,
    "window_stats": WindowStatsTerm,
    USER: UserTerm,
}


def _known_kind(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    if kind is None:
        raise wrong(("kind", f"is missing; one of {', '.join(TERMS)}"))
    if not isinstance(kind, str):
        raise wrong(("kind", f"must be text, one of {', '.join(TERMS)}, not {kind!r}"))
    if kind in LATER:
        raise wrong(("kind", f"{kind!r} is not built yet; use one of {', '.join(TERMS)}"))
    if kind not in TERMS or kind == USER:
        if ":" in kind:
            problem = check_entry(kind)
            if problem:
                raise wrong(("kind", problem))
        else:
            raise wrong(("kind", f"{kind!r} is no loss; {nearest(kind, TERMS)}"))
    return value


def _tag(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) and kind in TERMS else USER


AnyTerm = Annotated[
    Annotated[MseTerm, Tag("mse")]
    | Annotated[MaeTerm, Tag("mae")]
    | Annotated[HuberTerm, Tag("huber")]
    | Annotated[WindowStatsTerm, Tag("window_stats")]
    | Annotated[UserTerm, Tag(USER)],
    Discriminator(_tag),
    BeforeValidator(_known_kind),
    WithJsonSchema({"type": "table"}),
]


class Loss(Table):
    """[loss]: the loss of one sweep; the loss of a start is the weighted mean over sweeps."""

    terms: tuple[AnyTerm, ...] = Field(
        strict=False, min_length=1, description="The terms; they add with their weights."
    )

    @property
    def entries(self) -> Iterator[tuple[str, str]]:
        """(key, entry) of every loss written in Python."""
        for number, term in enumerate(self.terms):
            if isinstance(term, UserTerm):
                yield f"loss.terms[{number}].kind", term.kind
