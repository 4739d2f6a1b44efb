"""Reconstructed cells with HH against NEURON's importer and solver: spike times and subthreshold voltages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rallax.sim as rx
from rallax.sim.morphology import Reconstruction, read_reconstruction

from .cells import DT, neuron_run, neuron_step

pytestmark = [pytest.mark.peers, pytest.mark.data]

T_MAX = 30.0
FILES = ("allen_485574832", "ca1_n120", "ca1_n120_single_point_soma", "rat_l5pc_with_axon")
QUICK = (("ca1_n120", 1), ("rat_l5pc_with_axon", 3))
CASES = [
    pytest.param(file, ncomp, marks=[] if (file, ncomp) in QUICK else [pytest.mark.slow])
    for file in FILES
    for ncomp in (1, 3)
]
KINDS = {"soma": 1, "axon": 2, "dend": 3, "apic": 4}


@pytest.fixture
def h() -> Iterator[Any]:
    """NEURON, empty again after the test."""
    h = pytest.importorskip("neuron").h
    h.load_file("stdrun.hoc")
    h.load_file("import3d.hoc")
    yield h
    for section in list(h.allsec()):
        h.delete_section(sec=section)


def imported(h: Any, path: Path) -> list[Any]:
    """The sections that NEURON makes of an SWC file."""
    for section in list(h.allsec()):
        h.delete_section(sec=section)
    reader = h.Import3d_SWC_read()
    reader.quiet = 1
    reader.input(str(path))
    h.Import3d_GUI(reader, 0).instantiate(None)
    return list(h.allsec())


def paired(reconstruction: Reconstruction, sections: list[Any]) -> list[Any]:
    """NEURON's section for each of ours: of the same type, with the same first and last point."""

    def key(kind: int, points: Any) -> tuple[float, ...]:
        return (kind, *np.round(np.asarray(points, dtype=float)[[0, -1], :3].ravel(), 2) + 0.0)

    theirs = {}
    for s in sections:
        points = [(s.x3d(i), s.y3d(i), s.z3d(i)) for i in (0, s.n3d() - 1)]
        theirs[key(KINDS[s.name().split("[")[0]], points)] = s
    return [theirs[key(s.type_id, s.points)] for s in reconstruction]


def spike_times(v: np.ndarray) -> np.ndarray:
    """ms of the upward crossings of 0 mV, interpolated."""
    k = np.flatnonzero((v[:-1] < 0) & (v[1:] >= 0))
    return DT * (k + v[k] / (v[k] - v[k + 1]))


@pytest.mark.parametrize(("file", "ncomp"), CASES)
def test_reconstruction(h: Any, data_dir: Path, file: str, ncomp: int) -> None:
    path = data_dir / "morphologies" / f"{file}.swc"
    reconstruction = read_reconstruction(path)
    sections = paired(reconstruction, imported(h, path))
    dendrites = [b for b, s in enumerate(reconstruction) if s.type_id in (3, 4)]
    sites = [dendrites[int(i)] for i in np.linspace(0, len(dendrites) - 1, 10)]
    soma = next(b for b, s in enumerate(reconstruction) if s.type_id == 1)

    for section in sections:
        section.nseg, section.Ra, section.cm = ncomp, 100.0, 1.0
        section.insert("hh")
    clamp = neuron_step(h, sections[soma](0.5), 2.0, 20.0, 1.0)
    places = [sections[soma](0.5), *(sections[b](0.5) for b in sites)]
    expected = neuron_run(h, -65.0, round(T_MAX / DT), places)
    del clamp

    cell = rx.read_swc(path, ncomp=ncomp)
    cell.set("axial_resistivity", 100.0)
    cell.insert(rx.HH())
    cell.set("v", -65.0)
    cell.init_states()
    for branch in (soma, *sites):
        cell.branch(branch).loc(0.5).record()
    cell.branch(soma).loc(0.5).stimulate(rx.step_current(2.0, 20.0, 1.0, DT, T_MAX))
    found = np.asarray(rx.integrate(cell, t_max=T_MAX, delta_t=DT))

    mine, theirs = spike_times(found[0]), spike_times(expected[0])
    assert len(mine) == len(theirs) >= 1
    assert np.abs(mine - theirs).max() <= DT
    below = (expected < -40.0) & (found < -40.0)
    assert below.mean() > 0.3
    difference = np.abs(found - expected)
    print(
        f"NEURON, {file}, ncomp {ncomp}: spikes {np.abs(mine - theirs).max():.1e} ms apart, "
        f"{difference[below].max():.1e} mV below -40 mV, {difference.max():.1e} mV at most"
    )
    assert difference[below].max() <= 0.05
