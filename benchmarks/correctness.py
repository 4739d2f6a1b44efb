"""The figures behind the simulator's correctness bars: runs their tests, slow ones too, and tells what each measured.

    python benchmarks/correctness.py [WORD ...]      only bars with one of the words in the name of their tests

A bar is met where all of its tests pass; the figures are what these print.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from _bar import tell

TESTS = Path(__file__).resolve().parents[1] / "tests" / "sim"
#: File or folder below tests/sim, what it shows, what the figure must be.
BARS = (
    ("test_neuron_cylinders.py", "NEURON, cylinders with HH, 50 ms", "<= 1e-6 mV"),
    ("test_neuron_swc.py", "NEURON, reconstructions with HH, 30 ms", "spikes within 0.025 ms, else <= 0.05 mV"),
    ("mechanisms/test_against_neuron.py", "NEURON, layer-5 mechanisms, 100 ms", "<= 1e-4 mV"),
    ("test_neuron_layer5.py", "NEURON, cell with layer-5 mechanisms, 60 ms", "<= 1e-4 mV"),
    ("test_neuron_pospischil.py", "NEURON, Pospischil's channels, 100 ms", "<= 1e-4 mV"),
    ("test_neuron_ring.py", "NEURON, ring of 20 cells with graded synapses, 100 ms", "spikes within 0.025 ms"),
    ("test_gap_junctions.py", "gap junctions: NEURON; stable at 1e6 uS; linear solvers agree", "<= 1e-6 mV; finite"),
    ("test_networks.py", "networks: 10,000 synapses; cells as alone; gradients", "<= 2 s; 1e-11 mV; 1e-6 relative"),
    ("test_calcium.py", "calcium: NEURON under clamp; own reference", "<= 1e-6 mM; <= 1e-3 of the range"),
    ("test_diffusion.py", "diffusion, analytic; conservation", "<= 3e-3 of the continuous; 1e-13"),
    ("test_transition.py", "exponential Euler, uniform v in float32", "<= 2e-3 mV"),
    ("test_axon.py", "HH axon, last spike of 18 in 250 ms", "trbdf2 0.15, extrapolated 0.05 ms at dt 0.1; orders"),
    ("test_rallpacks.py", "passive cables, analytic", "<= 0.1 % of the range (RMS)"),
    ("test_gradients.py", "gradients", "<= 1e-6 relative, float32 <= 1e-3"),
    ("test_no_nan.py", "finite at singular voltages, float32", "all"),
    ("linear", "linear solvers against dense and SciPy; cost", "<= 1e-10 relative, 5,000 nodes 1e-9; linear"),
    ("test_lowering.py", "10,619 points, file to lowered", "<= 1 s"),
)


@dataclass
class Outcomes:
    """A pytest plugin that keeps what tests printed and how they ended."""

    ended: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a test's outcome and its lines of output that have a figure."""
        if report.when == "call" or report.outcome != "passed":
            self.ended[report.nodeid] = report.outcome
        if report.when == "call":
            self.printed += [line.strip() for line in report.capstdout.splitlines() if ": " in line]

    def count(self, outcome: str) -> int:
        """Tests that ended so."""
        return list(self.ended.values()).count(outcome)


def main(words: list[str]) -> int:
    """Run the tests of each bar and tell its figures; the number of failed tests."""
    failed = 0
    for file, bar, limit in BARS:
        if words and not any(word in file for word in words):
            continue
        outcomes = Outcomes()
        pytest.main([str(TESTS / file), "-q", "--no-header"], plugins=[outcomes])
        bad, good = outcomes.count("failed"), outcomes.count("passed")
        failed += bad
        for line in outcomes.printed:
            label, _, figure = line.partition(": ")
            tell(f"  {label}", figure, "", bad == 0)
        skipped = f", {outcomes.count('skipped')} skipped" if outcomes.count("skipped") else ""
        tell(bar, f"{good} of {good + bad} tests pass{skipped}", limit, bad == 0 and good > 0)
    return failed


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
