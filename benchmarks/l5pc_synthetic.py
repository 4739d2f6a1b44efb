"""The field's tutorial fit, here and in Jaxley: 20 parameters of a layer-5 cell against a synthetic target.

    python benchmarks/l5pc_synthetic.py [--seeds 10] [--steps 10] [--lanes 1] [--skip-jaxley] [--json FILE]

Same table of 1,786 compartments, same starts, float64, each simulator in a process of its own on one core, one after
the other. Jaxley steps one start at a time, as its example does; so does rallax unless --lanes says to compute more of
them side by side. Prints what was set equal, how the mechanisms compare one by one, and per seed: the largest
difference of the voltage at the start, the cosine of the two gradients there (in the unconstrained parameters), the
best loss of each. Seconds are those on the clock and on the processor; on a busy machine only the latter compare.

Needs the reconstruction `morphologies/rat_l5pc_with_axon.swc` of RALLAX_DATA or ../shared/data. The bars: cosine at
least 0.999, median of the best losses at most 1.1 times Jaxley's. Exit status 1 where one is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _bar import tell

HERE = Path(__file__).resolve().parent
MORPHOLOGY = "morphologies/rat_l5pc_with_axon.swc"
COSINE_BAR, LOSS_BAR = 0.999, 1.1


def main() -> int:
    """Both simulators, the comparison, and the verdict as exit status."""
    arguments = _arguments()
    if arguments.contestant:
        return _compete(arguments)
    path = arguments.morphology or Path(os.environ.get("RALLAX_DATA", HERE.parent.parent / "shared/data")) / MORPHOLOGY
    if not path.is_file():
        print(f"{path}: no such file; set RALLAX_DATA or give --morphology", file=sys.stderr)
        return 2
    with_jaxley = not arguments.skip_jaxley
    if with_jaxley and importlib.util.find_spec("jaxley_mech") is None:
        print("jaxley-mech is not installed (requirements-peers.txt); or give --skip-jaxley", file=sys.stderr)
        return 2
    contestants = ("rallax", "jaxley") if with_jaxley else ("rallax",)
    with tempfile.TemporaryDirectory() as folder:
        for contestant in contestants:
            command = [sys.executable, __file__, "--contestant", contestant, "--folder", folder]
            command += ["--morphology", str(path), "--seeds", str(arguments.seeds), "--steps", str(arguments.steps)]
            command += ["--lanes", str(arguments.lanes)]
            subprocess.run(command, check=True, env={**os.environ, "JAX_PLATFORMS": "cpu"})
        found = {name: _read(Path(folder) / f"{name}.npz") for name in contestants}
    result = _report(found)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if result.get("passed", True) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="starts, seeds 0 to N - 1")
    parser.add_argument("--steps", type=int, default=10, help="polyak steps of each")
    parser.add_argument("--lanes", type=int, default=1, help="starts that rallax computes side by side")
    parser.add_argument("--skip-jaxley", action="store_true")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--morphology", type=Path, help="the reconstruction, if not in the data folder")
    parser.add_argument("--contestant", choices=("rallax", "jaxley"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if min(arguments.seeds, arguments.steps, arguments.lanes) < 1:
        parser.error("--seeds, --steps and --lanes are 1 or more")
    return arguments


def _compete(arguments: argparse.Namespace) -> int:
    """In a contestant's own process: one core, one thread, float64."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    import numpy as np

    if arguments.contestant == "rallax":
        import _l5pc_rallax as contestant
    else:
        import _l5pc_jaxley as contestant
    import jax

    jax.config.update("jax_enable_x64", True)
    options: dict[str, Any] = {"lanes": arguments.lanes}
    if arguments.contestant == "jaxley":
        first = _read(arguments.folder / "rallax.npz")
        table = {key.removeprefix("table_"): value for key, value in first.items() if key.startswith("table_")}
        options = {"table": table, "target": first["target"]}
    found = contestant.compete(arguments.morphology, arguments.seeds, arguments.steps, **options)
    np.savez(arguments.folder / f"{arguments.contestant}.npz", **found)
    return 0


def _read(path: Path) -> dict[str, Any]:
    import numpy as np

    with np.load(path) as stored:
        return dict(stored)


def _report(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Print the tables; the figures for JSON."""
    import numpy as np

    ours = found["rallax"]
    result: dict[str, Any] = {"compartments": len(ours["table_length"]), "seconds": {}}
    best = {name: np.nanmin(run["losses"], axis=0) for name, run in found.items()}
    print(f"{result['compartments']} compartments, {ours['traces'].shape[1] - 1} steps of time, float64, one core")

    if "jaxley" in found:
        import jax

        jax.config.update("jax_enable_x64", True)
        from _l5pc_jaxley import CONSTANTS
        from _l5pc_mechanisms import compare

        print("\nSet equal:", *(f"  {line}" for line in CONSTANTS), sep="\n")
        print("\nLargest relative difference in one step from equal states (states, current):")
        result["mechanisms"] = compare()
        for name, (states, current) in result["mechanisms"].items():
            print(f"  {name:15s} {states:.1e}  {current:.1e}")
        theirs = found["jaxley"]
        a, b = ours["first_gradient"], theirs["first_gradient"]
        cosine = np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
        dv = np.abs(ours["traces"] - theirs["traces"]).max(axis=1)
        ratio = float(np.median(best["rallax"]) / np.median(best["jaxley"]))
        result |= {"cosine": cosine.tolist(), "max_dv": dv.tolist(), "median_ratio": ratio}

    heads = [f"best {name}" for name in best] + (["max |dv| mV", "1 - cosine"] if "jaxley" in found else [])
    print("\n" + "  ".join(["seed", "first loss", *(f"{head:>11s}" for head in heads)]))
    for seed, first in enumerate(ours["losses"][0]):
        line = f"{seed:4d}  {first:10.4f}" + "".join(f"  {b[seed]:11.4f}" for b in best.values())
        if "jaxley" in found:
            line += f"  {dv[seed]:11.1e}  {1 - cosine[seed]:11.1e}"
        print(line)
    for name, run in found.items():
        median = float(np.median(best[name]))
        result[name] = {"losses": run["losses"].tolist(), "best": best[name].tolist(), "median_best": median}
        print(f"median of the best losses, {name}: {median:.4f}")

    print("\nSeconds                                      clock  processor")
    rows = [("rallax: build", ours["build_seconds"]), ("rallax: first step, of all starts", ours["first_seconds"])]
    rows += [("rallax: step of one start", _median(ours["step_seconds"]))]
    if "jaxley" in found:
        rows += [
            ("jaxley: build", theirs["build_seconds"]),
            ("jaxley: first step, of one start", theirs["first_seconds"]),
            ("jaxley: step of one start", _median(theirs["step_seconds"])),
        ]
    for what, (clock, processor) in rows:
        print(f"  {what:44s} {clock:7.2f}  {processor:7.2f}")
        result["seconds"][what] = [float(clock), float(processor)]
    if "jaxley" in found:
        print()
        cosine_met, ratio_met = cosine.min() >= COSINE_BAR, ratio <= LOSS_BAR
        tell("layer-5 fit: cosine of the gradients", f"{cosine.min():.9f}", f">= {COSINE_BAR}", bool(cosine_met))
        tell("layer-5 fit: median best loss over Jaxley's", f"{ratio:.3f}", f"<= {LOSS_BAR}", bool(ratio_met))
        result["passed"] = bool(cosine_met and ratio_met)
    return result


def _median(seconds: Any) -> Any:
    import numpy as np

    return np.median(seconds, axis=0) if len(seconds) else np.full(2, np.nan)


if __name__ == "__main__":
    sys.exit(main())
