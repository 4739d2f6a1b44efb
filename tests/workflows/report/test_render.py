"""The page as a reader, a browser and an attacker would see it."""

from __future__ import annotations

import dataclasses
import re
import time

import numpy as np
import pytest

from rallax.workflows.report import Failure, HistoryView, ParameterView, SweepView, render

from .page import Page
from .sample import history, report_data, sweep


@pytest.fixture(scope="module")
def html() -> str:
    return render(report_data())


def test_every_part_is_there_in_its_order(html: str) -> None:
    headings = re.findall(r"\n# (.*)", Page(html).text)
    assert headings == [
        "Training sweeps",
        "Validation sweeps",
        "Loss",
        "Parameters",
        "Electrical features",
        "Failures",
        "Provenance",
    ]


def test_training_and_validation_stay_apart(html: str) -> None:
    page = Page(html)
    assert "IV_265" in page.section("Training sweeps")
    assert "IV_272" not in page.section("Training sweeps")
    assert "IV_272" in page.section("Validation sweeps")
    assert "IV_271" not in page.section("Validation sweeps")


def test_head_gives_the_figures_of_the_fit(html: str) -> None:
    head = Page(html).text.split("\n# ")[0]
    assert "0.11" in head and "0.13" in head and "start 0, step 11" in head
    assert "3 × 12" in head
    assert "1 at a bound" in head
    median = np.median(history().validation_candidates)
    assert f"{median / 0.13:.2g}×" in head


def test_features_of_target_and_fit_stand_side_by_side(html: str) -> None:
    page = Page(html)
    table = html[html.index('class="features"') :]
    rows = re.findall(r'<td class="who">(\w+)</td>(.*?)</tr>', table, flags=re.DOTALL)
    cells = [(who, re.findall(r'<td class="n">(.*?)</td>', row)) for who, row in rows]
    assert [who for who, _ in cells] == ["recorded", "fit"] * 3
    header = re.findall(r'<th class="n">([^<]+)', table)
    spikes, resistance = header.index("Spikes"), header.index("Input resistance")
    # 0.6 nA: a spike each 20 ms from 15 ms on, until 90 ms; and the passive sweep.
    assert [row[spikes] for _, row in cells] == ["0", "0", "4", "4", "3", "3"]
    assert [row[resistance] for _, row in cells] == ["100", "100", "–", "–", "–", "–"]
    assert "MΩ" in page.section("Electrical features")


def test_parameter_at_its_bound_is_flagged_and_only_it(html: str) -> None:
    rows = re.findall(r"<tr( class=\"bound\")?>\s*<th scope=\"row\">(\w+)<small>", html)
    assert rows == [("", "g_pas"), (' class="bound"', "e_pas")]
    assert Page(html).section("Parameters").count("at upper bound") == 1


def test_dots_lie_where_the_transform_puts_them(html: str) -> None:
    dots = [(float(d["cx"].rstrip("%")), d["class"]) for d in Page(html).tags("circle")]
    # g_pas is fitted in its logarithm: 1e-4 is half-way between 1e-5 and 1e-3; the third start has no value.
    assert dots[0] == (pytest.approx(100.0 * np.log10(2.0) / 2.0, abs=0.01), "dot")
    assert dots[1] == (pytest.approx(50.0), "bestdot")
    assert len(dots) == 2 + 3


def test_same_data_same_file() -> None:
    assert render(report_data()) == render(report_data())


def test_page_is_self_contained_and_cannot_run_or_fetch_anything(html: str) -> None:
    page = Page(html)
    policy = next(m["content"] for m in page.tags("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    for tag, attributes in page.elements:
        assert tag not in {"script", "iframe", "object", "img"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "xlink:href"}:
                assert value.startswith(("#", "data:")), f"{tag} {name}={value}"
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}


def test_ids_are_unique_and_references_lead_somewhere(html: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_every_picture_is_described(html: str) -> None:
    pictures = Page(html).tags("svg")
    assert len(pictures) == 3 + 2 + 2
    assert all(p["role"] == "img" and len(p["aria-label"]) > 20 for p in pictures)
    assert "Sweep IV_272 at soma" in pictures[2]["aria-label"]


HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>' {{ 7*7 }} {% raw %} $\\frac{ & \x00 ]]></style>"


def test_hostile_text_stays_text_wherever_it_comes_from() -> None:
    data = report_data(
        name=HOSTILE,
        status=HOSTILE,
        created=HOSTILE,
        job_toml=HOSTILE,
        sweeps=(dataclasses.replace(sweep(), name=HOSTILE, site=HOSTILE),),
        parameters=(
            ParameterView(HOSTILE, 0.0, 1.0, np.array([0.5, 0.1, 0.2]), HOSTILE, unit=HOSTILE, region=HOSTILE),
        ),
        failures=(Failure(HOSTILE, HOSTILE, 0, 1),),
        facts={HOSTILE: HOSTILE},
        provenance={HOSTILE: {HOSTILE: HOSTILE}},
    )
    html = render(data)
    page = Page(html)
    assert not page.tags("script") and not page.tags("img")
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "49" not in page.text.split("Provenance")[1]
    assert page.text.count("<script>alert(1)</script>") >= 12
    assert html.count("</style>") == 1


def test_fit_that_never_got_anywhere_has_a_report() -> None:
    nothing = np.full((0, 2), np.nan)
    data = report_data(
        best_start=None,
        best_loss=float("nan"),
        best_validation_loss=None,
        best_step=None,
        sweeps=(dataclasses.replace(sweep(), fits={}, loss=None),),
        history=HistoryView(step=np.arange(0), train=nothing),
        parameters=(ParameterView("g_pas", 0.0, 1.0, np.array([])),),
        failures=(),
        provenance={},
    )
    page = Page(render(data))
    assert "no start has a finite loss" in page.text
    assert "No step has been taken yet" in page.section("Loss")
    assert "None: no start was frozen" in page.section("Failures")


def test_sweep_without_a_stimulus_has_a_figure_and_its_spikes() -> None:
    bare = dataclasses.replace(sweep(amplitude=0.6), stimulus_time=np.zeros(0), stimulus=np.zeros(0))
    html = render(report_data(sweeps=(bare,)))
    assert len(Page(html).tags("svg")) == 1 + 2 + 2
    row = html.split('<td class="who">recorded</td>')[1]
    assert re.findall(r'<td class="n">(.*?)</td>', row)[:9] == ["–", "–", "4", "–", "–", "–", "–", "–", "–"]


def test_losses_that_a_log_axis_cannot_show_become_gaps() -> None:
    losses = np.array([[1.0, np.nan], [0.0, np.inf], [0.5, -1.0]])
    view = HistoryView(step=np.arange(3), train=losses, candidates=np.array([np.inf, 2.0, np.nan]))
    page = Page(render(report_data(history=view, best_validation_loss=None)))
    assert "Training loss" in page.section("Loss") and "Validation loss" not in page.section("Loss")


def test_trace_that_runs_away_does_not_squeeze_the_figure() -> None:
    calm = sweep(starts=2)
    wild = dataclasses.replace(calm, fits=dict(calm.fits) | {1: np.where(calm.time > 50, 1e30, calm.fits[1])})
    broken = dataclasses.replace(calm, fits=dict(calm.fits) | {1: np.full(calm.time.shape, np.nan)})
    figures = [render(report_data(sweeps=(s,))).split("Loss</h2>")[0] for s in (calm, wild, broken)]
    ticks = [re.findall(r"<text[^>]*>([^<]*)</text>", figure) for figure in figures]
    assert ticks[0] == ticks[1] == ticks[2]
    assert "−80" in ticks[0] and "0" in ticks[0]


def test_long_traces_stay_small_and_quick() -> None:
    data = report_data(sweeps=tuple(sweep(f"S{k}", amplitude=0.1 * k, samples=24_000, starts=8) for k in range(8)))
    began = time.process_time()
    html = render(data)
    assert time.process_time() - began < 15.0
    assert len(html.encode()) < 5_000_000


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SweepView("IV", "train", *[np.zeros(3)] * 2, *[np.zeros(2)] * 2, fits={4: np.zeros(2)}), "start 4"),
        (lambda: SweepView("IV", "train", *[np.zeros(3)] * 3, np.zeros(2), fits={}), "stimulus has shape"),
        (lambda: ParameterView("g", 2.0, 1.0, np.zeros(1)), "lower bound 2.0 is not below"),
        (lambda: ParameterView("g", 0.0, 1.0, np.zeros(1), "log"), "above 0"),
        (lambda: HistoryView(np.arange(2), np.zeros((3, 1))), "for 2 steps"),
    ],
)
def test_data_that_do_not_fit_together_are_refused(make: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()  # type: ignore[operator]
