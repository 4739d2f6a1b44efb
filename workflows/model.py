"""From the [model] and [[parameters]] of a job to a cell whose free parameters are bound to theta.

Owns the meaning of regions, sites and profiles in the cell. Reading reconstructions and running are `rallax.sim`'s;
the sweeps are prepared in `sweeps`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rallax import sim
from rallax.sim.morphology import MorphologyError, read_reconstruction
from rallax.sim.morphology.axon import with_axon

from .errors import Fault, JobError, UserError, nearest
from .expression import Expression
from .job import Job
from .job.parameters import DISTANCE, Parameter
from .job.sweeps import Site
from .user_code import load_entry

#: Values of [[model.set]] that sections have before they are cut, which the d_lambda rule reads.
BEFORE_CUT = ("axial_resistivity", "capacitance")
DEFAULT_RESISTIVITY, DEFAULT_CAPACITANCE = 100.0, 1.0


@dataclass(frozen=True)
class BoundParameter:
    """How one trainable of the cell follows from theta.

    `index` is the parameter's place in theta; `profile` its factor along the cell with `distances` (um) of the
    compartments, or None; `constants` the free constants of the profile and their places in theta.
    """

    key: str
    index: int
    profile: Expression | None = None
    distances: np.ndarray | None = None
    constants: tuple[tuple[str, int], ...] = ()

    def value(self, theta: Float[Array, " parameters"]) -> Float[Array, " values"]:
        """The trainable's values, one or one for each compartment."""
        if self.profile is None or self.distances is None:
            return theta[self.index][None]
        names = {name: theta[i] for name, i in self.constants}
        factor = self.profile.evaluate({DISTANCE: jnp.asarray(self.distances, theta.dtype), **names})
        return jnp.broadcast_to(theta[self.index] * factor, self.distances.shape).astype(theta.dtype)


@dataclass(frozen=True)
class BuiltModel:
    """A cell with its mechanisms and trainables, before stimuli and recordings are put at a site."""

    module: sim.Module
    bound: tuple[BoundParameter, ...]
    job: Job

    def tree(self, theta: Float[Array, " parameters"]) -> list[dict[str, Array]]:
        """The `get_parameters()` tree of one parameter set; differentiable."""
        return [{b.key: b.value(theta)} for b in self.bound]

    def at(self, site: Site) -> sim.Module:
        """A copy that is stimulated and recorded at a site (of a module from `build`: as its function made it)."""
        module = self.module.copy()
        if site.recording is not None:
            recordings = module._recordings
            if site.recording >= len(recordings):
                raise UserError(f"site.recording: {site.recording} is not there; the module has {len(recordings)}")
            module._recordings = [recordings[site.recording]]
            return module
        place = module.select([self.compartment(site)])
        place.stimulate(np.zeros(1))
        place.record("v")
        return module

    def compartment(self, site: Site) -> int:
        """The compartment of a site.

        Raises:
            UserError: no such region, or the distance lies beyond it.
        """
        rows = _rows(self.module, (site.region or "",))
        if site.distance_um is None:
            return int(_middle(self.module, site.region or ""))
        distances = path_distances(self.module)[rows]
        best = int(np.argmin(np.abs(distances - site.distance_um)))
        half = float(self.module.nodes["length"].to_numpy()[rows[best]]) / 2
        if abs(distances[best] - site.distance_um) > half + 1e-6:
            low, high = distances.min(), distances.max()
            raise UserError(
                f"site.distance_um: {site.region} has nothing at {site.distance_um:g} um; "
                f"it spans {low:.0f} to {high:.0f}"
            )
        return int(rows[best])


def build_model(job: Job) -> BuiltModel:
    """The cell of a job.

    Raises:
        JobError: a line for each fault: a region, mechanism or parameter that is not there, a reconstruction that
            cannot be used, a Python entry that fails.
    """
    return _from_python(job) if job.model.build is not None else _from_reconstruction(job)


def path_distances(module: sim.Module) -> np.ndarray:
    """Path distance in um of each compartment's middle from the middle of the soma (the first branch without one)."""
    origin = _middle(module, "soma") if "soma" in module.groups else _middle(module, "all")
    return module.distance_pathwise(module.select([origin]))


def _middle(module: sim.Module, region: str) -> int:
    """The compartment in the middle of the first branch of a region."""
    rows = _rows(module, (region,))
    branches = module.nodes["global_branch_index"].to_numpy()
    first = rows[branches[rows] == branches[rows[0]]]
    return int(first[len(first) // 2])


def _rows(module: sim.Module, regions: Sequence[str]) -> np.ndarray:
    """The compartments of regions, ascending. Raises UserError for a region that the cell does not have."""
    table = module.nodes
    inside = np.zeros(len(table), bool)
    for region in regions:
        if region == "all":
            inside[:] = True
        elif region in module.groups:
            inside |= table[region].to_numpy(dtype=bool)
        else:
            have = ", ".join(["all", *module.groups])
            raise UserError(f"{region!r} is no region of this cell; it has {have}")
    return np.flatnonzero(inside)


class _Faults:
    """Collects the faults of a job, so that all are told at once."""

    def __init__(self, job: Job) -> None:
        self._source = job.source
        self._faults: list[Fault] = []

    def add(self, key: str, error: Exception | str) -> None:
        self._faults.append(Fault(self._source, key, str(error)))

    def check(self) -> None:
        if self._faults:
            raise JobError(self._faults)


def _from_reconstruction(job: Job) -> BuiltModel:
    faults = _Faults(job)
    cell = _cut(job, faults)
    for number, insert in enumerate(job.model.insert):
        at = f"model.insert[{number}]"
        try:
            mechanism = _mechanism(job, insert.mechanism)
        except ValueError as error:
            faults.add(f"{at}.mechanism", error)
            continue
        try:
            cell.select(_rows(cell, insert.region)).insert(mechanism)
        except ValueError as error:
            faults.add(f"{at}.region", error)
    for number, setting in enumerate(job.model.set):
        at = f"model.set[{number}]"
        try:
            rows = _rows(cell, setting.region)
        except UserError as error:
            faults.add(f"{at}.region", error)
            continue
        for key, value in setting.values.items():
            try:
                _having(cell, rows, key, setting.region).set(key, value)
            except ValueError as error:
                faults.add(f"{at}.values.{key}", _without_call(error))
    faults.check()
    bound = tuple(_bind(job, cell, faults))
    faults.check()
    return BuiltModel(cell, bound, job)


def _cut(job: Job, faults: _Faults) -> sim.Cell:
    """The cell, cut into compartments with the resistivity and capacitance that the job gives its regions."""
    model = job.model
    assert model.morphology is not None
    try:
        reconstruction = with_axon(read_reconstruction(job.path(model.morphology)), model.axon)
        if reconstruction.soma is None:
            raise MorphologyError(f"{model.morphology}: has no soma (points of type 1), which distances and sites need")
    except MorphologyError as error:
        # The name as the job has it, which is what its user looks for.
        faults.add("model.morphology", str(error).replace(str(job.path(model.morphology)), model.morphology, 1))
        faults.check()
    groups = list(dict.fromkeys(section.group for section in reconstruction))
    values = {
        "axial_resistivity": dict.fromkeys(groups, DEFAULT_RESISTIVITY),
        "capacitance": dict.fromkeys(groups, DEFAULT_CAPACITANCE),
    }
    for number, setting in enumerate(model.set):
        for key in (k for k in BEFORE_CUT if k in setting.values):
            if setting.values[key] <= 0:
                faults.add(f"model.set[{number}].values.{key}", f"is {setting.values[key]:g}; it must be above 0")
                continue
            for group in groups:
                if group in setting.region or "all" in setting.region:
                    values[key][group] = setting.values[key]
    faults.check()
    rule = model.discretization
    try:
        return sim.cell_from(
            reconstruction,
            ncomp=rule.ncomp,
            max_length=rule.max_length_um,
            d_lambda=rule.d_lambda,
            axial_resistivity=values["axial_resistivity"],
            capacitance=values["capacitance"],
        )
    except MorphologyError as error:
        faults.add("model.discretization", error)
        faults.check()
        raise


def _mechanism(job: Job, name: str) -> sim.Mechanism:
    """A new mechanism, at the job's temperature where it depends on one."""
    found = load_entry(name, job.folder) if ":" in name else sim.mechanisms.by_name(name)
    if not (inspect.isclass(found) and issubclass(found, sim.Mechanism)):
        raise UserError(f"{name!r} is no mechanism; name a class derived from rallax.sim.Channel")
    options: dict[str, Any] = {}
    if "temperature" in inspect.signature(found).parameters:
        options["temperature"] = job.model.temperature_C
    try:
        return found(**options)
    except TypeError as error:
        raise UserError(f"{name!r} cannot be made without arguments ({error}); give them defaults") from None


def _having(cell: sim.Cell, rows: np.ndarray, key: str, regions: Sequence[str]) -> Any:
    """The compartments among `rows` that have a value; a mechanism need not be in every region that is named."""
    table = cell.nodes
    if key not in table.columns:
        return cell.select(rows)
    own = rows[table[key].notna().to_numpy()[rows]]
    if not len(own):
        raise UserError(f"is in no compartment of {', '.join(regions)}; insert its mechanism there")
    return cell.select(own)


def _without_call(error: Exception) -> str:
    """A message of the simulator without the call that it begins with."""
    text = str(error)
    return text.partition(": ")[2] if text.startswith(("set(", "make_trainable(")) else text


def _bind(job: Job, cell: sim.Cell, faults: _Faults) -> Iterator[BoundParameter]:
    """Frees every parameter in the cell."""
    place = {parameter.name: i for i, parameter in enumerate(job.parameters)}
    distances = path_distances(cell)
    for number, parameter in enumerate(job.parameters):
        if parameter.is_constant:
            continue
        at = f"parameters[{number}]"
        try:
            rows = _rows(cell, parameter.region or ())
        except UserError as error:
            faults.add(f"{at}.region", error)
            continue
        try:
            here = _having(cell, rows, parameter.parameter or "", parameter.region or ())
            yield _free(here, parameter, distances[here._rows], number, place)
        except ValueError as error:
            faults.add(f"{at}.parameter", _without_call(error))


def _free(
    here: sim.View, parameter: Parameter, distances: np.ndarray, index: int, place: dict[str, int]
) -> BoundParameter:
    key = parameter.parameter or ""
    if parameter.profile is None:
        here.make_trainable(key)
        return BoundParameter(key, index)
    here.comp("all").make_trainable(key)
    constants = tuple((name, place[name]) for name in parameter.profile_constants)
    return BoundParameter(key, index, Expression.parse(parameter.profile), distances, constants)


def _from_python(job: Job) -> BuiltModel:
    entry = job.model.build or ""

    def fault(message: object, key: str = "model.build") -> JobError:
        return JobError([Fault(job.source, key, str(message))])

    try:
        function = load_entry(entry, job.folder)
        module = function() if callable(function) else None
    except UserError as error:
        raise fault(error) from None
    except (Exception, SystemExit) as error:
        raise fault(f"{entry} raised {type(error).__name__}: {error}") from None
    if not isinstance(module, sim.Module):
        raise fault(
            f"{entry} returned {type(module).__name__}; it must return a rallax.sim cell or network with trainables"
        )
    keys = [(t.key, len(t.initial)) for t in module._trainables]
    total = sum(n for _, n in keys)
    if any(n > 1 for _, n in keys):
        many = next(key for key, n in keys if n > 1)
        raise fault(f"{many} has {keys[[k for k, _ in keys].index(many)][1]} values; free it once for each parameter")
    if total != len(job.parameters):
        raise fault(
            f"the module has {total} trainables, the job {len(job.parameters)}; one for each, in order", "parameters"
        )
    for number, (parameter, (key, _)) in enumerate(zip(job.parameters, keys, strict=True)):
        if parameter.parameter not in (None, key):
            hint = nearest(parameter.parameter or "", [key])
            raise fault(
                f"is {parameter.parameter!r}, but trainable {number} is {key!r}; {hint}",
                f"parameters[{number}].parameter",
            )
    if not module._recordings:
        raise fault(f"{entry} records nothing; call .record() where the electrode is")
    if "i" not in module._externals:
        raise fault(f"{entry} stimulates nothing; call .stimulate(numpy.zeros(1)) where the electrode is")
    return BuiltModel(module, tuple(BoundParameter(key, i) for i, (key, _) in enumerate(keys)), job)


def theta_of(job: Job, parameters: dict[str, float]) -> Float[np.ndarray, " parameters"]:
    """Values by name as a vector in the job's order. Raises UserError for a missing or unknown name."""
    names = [p.name for p in job.parameters]
    for name in parameters:
        if name not in names:
            raise UserError(f"{name!r} is no parameter of the job; {nearest(name, names)}")
    for name in names:
        if name not in parameters:
            raise UserError(f"no value for the parameter {name!r}")
    return np.array([parameters[name] for name in names])


def batched_tree(model: BuiltModel, theta: Float[Array, "starts parameters"]) -> list[dict[str, Array]]:
    """`BuiltModel.tree` for a batch, a leading axis of starts on each leaf."""
    return jax.vmap(model.tree)(theta)
