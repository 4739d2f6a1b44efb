"""Valid inputs of every kind, small: what hostile ones are made of."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np

SWC = [
    "# two dendrites\n1 1 0 0 0 8 -1\n2 3 0 8 0 1.5 1\n3 3 0 60 0 1 2\n4 3 10 90 0 1 3\n5 3 -9 95 0 1 3\n"
    "6 4 0 -8 0 1.5 1\n7 4 0 -150 0 1 6\n",
    "1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 5 0 5 1\n4 3 8 0 0 1 1\n5 3 60 0 0 .5 4\n"
    "6 2 0 -9 0 .4 1\n7 2 0 -70 1 .4 6\n",
    "1 1 0 0 0 5 -1\n2 1 5 0 0 4 1\n3 1 9 0 0 3 2\n4 3 14 0 0 1 3\n5 3 60 0 0 .5 4\n"
    "6 3 80 9 0 .5 5\n7 3 85 -9 0 .5 5\n",
]
ASC = [
    '("CellBody" (Color Red) (CellBody)\n (5 0 0 0)\n (0 5 0 0)\n (-5 0 0 0)\n (0 -5 0 0)\n)\n'
    "( (Color Blue) (Dendrite)\n (5 0 0 2)\n (30 0 0 1.5) ; on\n (60 0 0 1)\n (\n  (90 20 0 1)\n  (120 30 0 0.8)\n"
    "  Normal\n |\n  (90 -20 0 1)\n  (130 -30 0 0.8)\n  Normal\n )\n)\n( (Axon)\n (-5 0 0 1)\n (-80 0 0 0.5)\n)\n",
]
CSV = [
    "time (ms), voltage (mV)\n" + "".join(f"{t / 10},{-70 + t / 100}\n" for t in range(40)),
    "# rig 2\n\ntime [us]\tv [uV]\n0\t-70e3\n500\t-69e3\n1000\t-68e3\n",
    "\ufefft (s); I (pA); V (V)\n0;5;-.07\n0.5;5;-.069\n1;5;-.068\n",
    "0 -70\n0.5 -69\n1 -68\n",
]

JOB = """
name = "small"
[model]
morphology = "cell.swc"
discretization = { ncomp = 1 }
axon = "none"
[[model.set]]
region = "all"
values = { axial_resistivity = 100.0 }
[[model.insert]]
region = "all"
mechanism = "pas"
[[parameters]]
name = "g_pas"
region = "all"
parameter = "pas_g"
bounds = [1e-5, 6e-5]
transform = "log"
[[parameters]]
name = "e_pas"
region = ["soma", "basal"]
parameter = "pas_e"
bounds = [-95.0, -60.0]
profile = "1 + c*d"
[[parameters]]
name = "c"
bounds = [0.0, 1e-3]
[[sweeps]]
name = "step"
numbers = [1, 2]
voltage = "v_{n}.csv"
stimulus = { kind = "step", delay_ms = 1.0, duration_ms = 1.0, amplitude_nA = 0.1 }
site = { region = "soma" }
window_ms = [0.0, 3.0]
[[sweeps]]
name = "held"
voltage = "v_1.csv"
stimulus = { kind = "step", delay_ms = 0.5, duration_ms = 1.0, amplitude_nA = 0.1 }
use = "validate"
weight = 2.0
[recording]
liquid_junction_potential_mV = 14.0
[simulation]
delta_t_ms = 0.1
v_init = -70.0
[loss]
terms = [ { kind = "mse", scale_mV = 5.0 }, { kind = "window_stats", windows_ms = [[0.0, 1.0], [1.0, 2.0]] } ]
[fit]
candidates = 4
starts = 2
steps = 3
optimizer = { name = "adam", learning_rate = 0.05, clip_norm = 1.0 }
[compute]
workers = 2
[storage]
run = "run"
keep = 2
"""


def write_job(folder: Path) -> Path:
    """The small job with its files; the path of the job file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cell.swc").write_text(SWC[0])
    for number in (1, 2):
        (folder / f"v_{number}.csv").write_text(CSV[0])
    file = folder / "job.toml"
    file.write_text(JOB)
    return file


def igor_wave(version: int = 5, *, order: str = "<", values: np.ndarray | None = None, unit: bytes = b"mV") -> bytes:
    """A wave of one dimension after Technical Note 3 of WaveMetrics."""
    samples = np.asarray(np.linspace(-70, -60, 20) if values is None else values, f"{order}f4").tobytes()
    n = len(samples) // 4
    if version == 5:
        sizes = [320 + len(samples), 0, 4, *[0] * 12]
        binary = struct.pack(f"{order}hh16l", 5, 0, *sizes, 0)[:64]
        wave = bytearray(320)
        struct.pack_into(f"{order}LLLlh", wave, 0, 0, 0, 0, n, 2)
        wave[28:32] = b"wave"
        struct.pack_into(f"{order}4l4d4d", wave, 68, n, 0, 0, 0, 1e-4, 1, 1, 1, 0, 0, 0, 0)
        wave[148 : 148 + len(unit)] = unit
        wave[152:153] = b"s"
        return binary + bytes(wave) + samples + b"note"
    size = 110 + len(samples) + 16
    binary = {
        1: struct.pack(f"{order}hlh", 1, size, 0),
        2: struct.pack(f"{order}hlllh", 2, size, 0, 0, 0),
        3: struct.pack(f"{order}hllllh", 3, size, 0, 0, 0, 0),
    }[version]
    wave = bytearray(110)
    struct.pack_into(f"{order}h", wave, 0, 2)
    wave[6:10] = b"wave"
    wave[34 : 34 + len(unit)] = unit
    wave[38:39] = b"s"
    struct.pack_into(f"{order}lhdd", wave, 42, n, 0, 1e-4, 0.0)
    return binary + bytes(wave) + samples + b"\0" * 16


class Keys:
    """A store of a run in memory: reading only."""

    location = "run"

    def __init__(self, keys: dict[str, bytes]) -> None:
        self.keys = keys

    def get(self, key: str) -> bytes | None:
        return self.keys.get(key)

    def get_all(self, keys: Iterable[str]) -> dict[str, bytes | None]:
        return {key: self.get(key) for key in keys}

    def read_appended(self, key: str, last: int | None = None) -> bytes:
        data = self.get(key) or b""
        return data if last is None else data[-last:]

    def children(self, prefix: str) -> list[str]:
        head = f"{prefix}/" if prefix else ""
        return sorted({key[len(head) :].split("/")[0] for key in self.keys if key.startswith(head)})


def write_run(folder: Path) -> dict[str, bytes]:
    """A run of the small job as a fit leaves it, its numbers made up; its keys."""
    from rallax.storage import ParameterTable, RunStore, Variable
    from rallax.workflows.job import load_job
    from rallax.workflows.new_run import sweep_group
    from rallax.workflows.resolve import resolve
    from rallax.workflows.sweeps import prepare_sweeps

    job = load_job(write_job(folder))
    sweeps = prepare_sweeps(job)
    resolved = resolve(job).with_settings(
        starts_per_block=2, sweeps_per_item=[2, 1], evaluate_every=5, memory_budget_bytes=2**30
    )
    store = RunStore.create(
        folder / "run",
        attributes={"name": job.name, "seed": 0, "sweeps": [s.name for s in sweeps], "versions": {"rallax": "0"}},
        files={"job.toml": (folder / "job.toml").read_bytes(), "resolved.json": resolved.to_json().encode()},
        sweeps={s.name: sweep_group(s) for s in sweeps},
        parameters=ParameterTable(
            tuple(p.name for p in job.parameters),
            np.array([p.bounds[0] for p in job.parameters]),
            np.array([p.bounds[1] for p in job.parameters]),
            ("S/cm^2", "mV", ""),
            ("log", "sigmoid", "sigmoid"),
        ),
    )
    store.claim_epoch()
    starts, wide = 2, len(sweeps)
    tree = {
        "format": 1,
        "seed": 0,
        "candidates": {"losses": np.full((4, wide), 2.0), "evaluated": np.ones(4, bool)},
        "starts": {"present": np.ones(starts, bool), "best_losses": np.full((starts, wide), 1.0)},
        "best": {
            "loss": np.array([1.0, 1.5]),
            "step": np.array([2, 3]),
            "theta": np.array([[2e-5, -70.0, 1e-4], [3e-5, -71.0, 2e-4]]),
        },
    }
    rows = {"step": Variable(np.arange(3), ("step",))}
    for name in ("loss", "validation_loss"):
        rows[name] = Variable(np.full((3, starts), 1.0), ("step", "start"))
    store.commit(tree, history=rows, step=3, attrs={"steps": 3, "device": "cpu", "done": True}, best=True)
    for sweep in sweeps:
        store.write_traces(
            sweep.name,
            {
                "voltage": Variable(
                    np.stack([sweep.voltage_mV, sweep.voltage_mV])[:, None], ("start", "site", "time"), "mV"
                ),
                "time": Variable(sweep.time_ms, ("time",), "ms"),
                "start": Variable(np.arange(starts), ("start",)),
            },
        )
    for kind in ("started", "start frozen", "finished"):
        store.log({"time": 1.0, "kind": kind, "message": f"{kind}: start 1", "start": 1, "step": 2, "system": "x"})
    root = folder / "run"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
