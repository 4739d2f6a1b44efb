"""Grow the reconstruction of a pyramidal cell: a stand-in with a plausible shape for a cell nobody had to patch.

Owns how the trees grow (lengths, angles, diameters). Knows nothing of files, mechanisms or fits.

Every tree grows by the same rule. A branch advances in short steps whose direction keeps most of the last one, bends
towards the tree's preferred direction and wobbles; its radius tapers. At its end it splits in two or stops. The radii
r1, r2 of two daughters obey Rall's 3/2 power law with their parent's r: r1^(3/2) + r2^(3/2) = r^(3/2)
(Rall 1959, Exp. Neurol. 1, 491-527), down to a thinnest radius. The apical trunk sends off obliques on its way and ends
in a tuft. The y axis points to the pia.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SOMA_RADIUS_UM = 8.5
STEP_UM = 12.0
UP = np.array([0.0, 1.0, 0.0])


class PointType(IntEnum):
    """SWC's types of points."""

    SOMA = 1
    AXON = 2
    BASAL = 3
    APICAL = 4


@dataclass(frozen=True)
class Habit:
    """How the branches of one kind of tree grow.

    ``length_um`` is the mean length of a branch and ``spread`` its coefficient of variation; ``persistence``, ``pull``
    and ``wobble`` weigh the last direction, the preferred one and noise in the direction of the next step;
    ``taper_per_um`` is the fraction of its radius that a branch loses per um; ``split_angle`` (radians) lies between
    a branch's direction and a daughter's; branches of order ``max_order`` do not split, others do with probability
    ``split_chance``.
    """

    type: PointType
    length_um: float
    spread: float
    taper_per_um: float
    min_radius_um: float
    split_angle: float
    split_chance: float
    max_order: int
    pull: float
    wobble: float = 0.22
    persistence: float = 1.0


BASAL = Habit(PointType.BASAL, 66.0, 0.35, 0.0022, 0.28, 0.55, 0.55, 3, pull=0.02)
OBLIQUE = Habit(PointType.APICAL, 74.0, 0.35, 0.0020, 0.30, 0.55, 0.35, 2, pull=0.06)
TRUNK = Habit(PointType.APICAL, 62.0, 0.20, 0.0010, 1.10, 0.12, 0.0, 0, pull=0.25, wobble=0.06)
TUFT = Habit(PointType.APICAL, 74.0, 0.30, 0.0020, 0.32, 0.50, 0.70, 2, pull=0.05)
AXON = Habit(PointType.AXON, 90.0, 0.25, 0.0040, 0.25, 0.60, 0.0, 0, pull=0.12, wobble=0.10)


@dataclass
class Reconstruction:
    """Points of a growing cell as SWC lists them: identifiers from 1 in the order of growth, so parents come first."""

    rows: list[tuple[int, int, float, float, float, float, int]] = field(default_factory=list)

    def add(self, point_type: PointType, position: NDArray[np.float64], radius: float, parent: int) -> int:
        """Append a point (um) and return its identifier; ``parent`` is -1 for the root."""
        x, y, z = (round(float(coordinate), 3) for coordinate in position)
        self.rows.append((len(self.rows) + 1, int(point_type), x, y, z, round(radius, 3), parent))
        return len(self.rows)

    def position(self, identifier: int) -> NDArray[np.float64]:
        """x, y, z in um of one point."""
        return np.array(self.rows[identifier - 1][2:5])

    def radius(self, identifier: int) -> float:
        """Radius in um of one point."""
        return self.rows[identifier - 1][5]


def grow_pyramidal_cell(seed: int = 0) -> Reconstruction:
    """A pyramidal cell with soma (one point), axon, basal trees and an apical trunk with obliques and tuft.

    The same seed gives the same cell.
    """
    grower = _Grower(Reconstruction(), np.random.default_rng(seed))
    soma = grower.cell.add(PointType.SOMA, np.zeros(3), SOMA_RADIUS_UM, -1)
    grower.axon(soma)
    grower.basal_trees(soma, count=6)
    grower.apical_tree(soma, trunk_pieces=6)
    return grower.cell


@dataclass
class _Grower:
    cell: Reconstruction
    rng: np.random.Generator

    def axon(self, soma: int) -> None:
        """A thick initial segment, then a main branch and two collaterals."""
        start = self._stem(soma, AXON.type, -UP, radius=0.9)
        end, direction = self._branch(start, -UP, AXON, -UP, length=66.0)
        for _ in range(2):
            collateral, main = self._daughter_radii(self.cell.radius(end), AXON, asymmetry=0.75)
            side = self._turn(direction, 1.1)
            self._branch(end, side, AXON, side, radius=collateral)
            end, direction = self._branch(end, direction, AXON, -UP, radius=main)

    def basal_trees(self, soma: int, count: int) -> None:
        """``count`` trees around the lower half of the soma."""
        turn = self.rng.uniform(0.0, 2.0 * np.pi)
        for number in range(count):
            azimuth = turn + 2.0 * np.pi * (number + self.rng.uniform(-0.25, 0.25)) / count
            dip = self.rng.uniform(-0.95, 0.15)
            outward = _unit(np.array([np.cos(azimuth), dip, np.sin(azimuth)]))
            start = self._stem(soma, BASAL.type, outward, radius=self.rng.uniform(0.75, 1.05))
            self._tree(start, outward, BASAL, outward)

    def apical_tree(self, soma: int, trunk_pieces: int) -> None:
        """A trunk towards the pia that sends off an oblique after each piece, and a tuft at its end."""
        end, direction = self._stem(soma, TRUNK.type, UP, radius=2.4), UP
        for piece in range(trunk_pieces):
            end, direction = self._branch(end, direction, TRUNK, UP)
            if piece < trunk_pieces - 1:
                side = _unit(self._turn(UP, self.rng.uniform(0.9, 1.3)))
                self._tree(end, side, OBLIQUE, side, radius=self.rng.uniform(0.5, 0.75))
        for radius, daughter in self._split(end, direction, TUFT):
            self._tree(end, daughter, TUFT, _unit(UP + 0.6 * daughter), radius=radius)

    def _stem(self, soma: int, point_type: PointType, outward: NDArray[np.float64], radius: float) -> int:
        return self.cell.add(point_type, self.cell.position(soma) + SOMA_RADIUS_UM * outward, radius, soma)

    def _tree(
        self,
        start: int,
        direction: NDArray[np.float64],
        habit: Habit,
        preferred: NDArray[np.float64],
        radius: float | None = None,
        order: int = 0,
    ) -> None:
        """A branch from ``start`` and, where it splits, the two trees behind it."""
        end, direction = self._branch(start, direction, habit, preferred, radius=radius)
        # Stems always split; otherwise a few trees would be bare sticks.
        if order < habit.max_order and (order == 0 or self.rng.random() < habit.split_chance):
            for daughter_radius, daughter in self._split(end, direction, habit):
                self._tree(end, daughter, habit, preferred, daughter_radius, order + 1)

    def _branch(
        self,
        start: int,
        direction: NDArray[np.float64],
        habit: Habit,
        preferred: NDArray[np.float64],
        radius: float | None = None,
        length: float | None = None,
    ) -> tuple[int, NDArray[np.float64]]:
        """Grow one unbranched piece; return its last point and the direction it ended in."""
        if length is None:
            shape = 1.0 / habit.spread**2
            length = max(2.0 * STEP_UM, float(self.rng.gamma(shape, habit.length_um / shape)))
        if radius is None:
            radius = self.cell.radius(start)
        steps = round(length / STEP_UM)
        position, last = self.cell.position(start), start
        for _ in range(steps):
            noise = habit.wobble * self.rng.standard_normal(3)
            direction = _unit(habit.persistence * direction + habit.pull * preferred + noise)
            position = position + (length / steps) * direction
            radius = max(habit.min_radius_um, radius * (1.0 - habit.taper_per_um * length / steps))
            last = self.cell.add(habit.type, position, radius, last)
        return last, direction

    def _split(self, end: int, direction: NDArray[np.float64], habit: Habit) -> list[tuple[float, NDArray[np.float64]]]:
        """Radius and direction of two daughters; the thicker one turns less, and the other to the opposite side."""
        thin, thick = self._daughter_radii(self.cell.radius(end), habit, asymmetry=self.rng.uniform(0.5, 0.65))
        axis = self._sideways(direction)
        angle = habit.split_angle * self.rng.uniform(0.8, 1.2)
        return [
            (thick, np.cos(0.8 * angle) * direction + np.sin(0.8 * angle) * axis),
            (thin, np.cos(1.2 * angle) * direction - np.sin(1.2 * angle) * axis),
        ]

    def _daughter_radii(self, radius: float, habit: Habit, asymmetry: float) -> tuple[float, float]:
        """The thin and the thick daughter's radius; ``asymmetry`` is the thick one's share of r^(3/2)."""
        thin, thick = radius * (1.0 - asymmetry) ** (2.0 / 3.0), radius * asymmetry ** (2.0 / 3.0)
        return max(habit.min_radius_um, thin), max(habit.min_radius_um, thick)

    def _turn(self, direction: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
        return np.cos(angle) * direction + np.sin(angle) * self._sideways(direction)

    def _sideways(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """A random unit vector at a right angle to ``direction``."""
        draw = self.rng.standard_normal(3)
        return _unit(draw - (draw @ direction) * direction)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))
