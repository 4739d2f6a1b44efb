"""docs/cluster.md, followed literally: its shell blocks, in order, in one shell, on this machine.

    python benchmarks/cluster_docs.py [--installed] [--ports RAY DASHBOARD]

From a copy of the project's files in an empty directory, with an empty home. `--installed` skips the installation and
uses the environment of the Python that runs this. The page's ports are Ray's usual ones; where these are taken, others
are put in their place, and nothing else is changed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _bar import tell
from _loopback import free_port

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cluster.md"
INSTALL = ("make install", ".venv/bin")
SECONDS = 3600


def blocks(text: str) -> list[str]:
    """The shell blocks of a page, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def script(page: str, ports: dict[str, int], installed: bool) -> str:
    """All blocks as one program that stops at the first command that fails and says which block it is in."""
    parts = ["set -eo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT"]
    for number, block in enumerate(blocks(page), 1):
        for usual, port in ports.items():
            block = re.sub(rf"\b{usual}\b", str(port), block)
        if installed:
            block = "".join(line for line in block.splitlines(True) if not any(word in line for word in INSTALL))
        parts += [f"echo '== block {number}'", block]
    return "\n".join([*parts, "echo '== the end'"])


def copy_of_the_project(target: Path) -> None:
    """The files that git knows or would take."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(command, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def environment(home: Path, folder: Path, installed: bool) -> dict[str, str]:
    """As on an empty machine: no home, no Ray of others."""
    ours = ("RAY_", "RALLAX_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Where pip looks for packages is this machine's business, and may stand in the real home.
    config = Path.home() / ".config" / "pip" / "pip.conf"
    if config.is_file():
        kept.setdefault("PIP_CONFIG_FILE", str(config))
    if installed:
        kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        kept["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    else:
        kept.pop("PYTHONPATH", None)
    return {
        **kept,
        "HOME": str(home),
        "RAY_TMPDIR": str(folder),
        "TMPDIR": str(folder),
        "JAX_COMPILATION_CACHE_DIR": str(home / "xla"),
    }


def follow_the_page(installed: bool, ports: dict[str, int]) -> tuple[int, Path, str]:
    """Run it; exit code, directory and output."""
    # Short: sockets lie below it.
    home = Path(tempfile.mkdtemp(prefix="rd-"))
    project = home / "rallax"
    project.mkdir()
    copy_of_the_project(project)
    # Not in a pipe: what a killed node leaves behind would hold it open.
    log = home / "output"
    command = ["bash", "-c", script(PAGE.read_text(), ports, installed)]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=project, env=environment(home, home, installed), stdout=out, stderr=out, start_new_session=True
        )
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            time.sleep(5)
            _end_what_is_left(home)
    return code, home, log.read_text(errors="replace")


def _end_what_is_left(home: Path) -> None:
    """Ray's processes that were started from this very directory and outlived their parent."""
    import psutil

    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or ()
        if any(str(home) + os.sep in word for word in words) and process.pid != os.getpid():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--installed", action="store_true", help="use the environment of this Python")
    parser.add_argument("--ports", nargs=2, type=int, metavar=("RAY", "DASHBOARD"), help="instead of 6379 and 8265")
    arguments = parser.parse_args()
    ports = dict(zip(("6379", "8265"), arguments.ports or (free_port(), free_port()), strict=True))
    began = time.monotonic()
    code, home, output = follow_the_page(arguments.installed, ports)
    print(output)
    run = home / "rallax" / "runs" / "example"
    log = (run / "log.jsonl").read_text() if (run / "log.jsonl").is_file() else ""
    complete = '"finished"' in log and '"resumed"' in log and (run / "report.html").is_file()
    met = code == 0 and output.rstrip().endswith("== the end") and complete
    count = len(blocks(PAGE.read_text()))
    what = "docs/cluster.md followed" + (", installed before" if arguments.installed else "")
    figure = f"{count} blocks in {time.monotonic() - began:.0f} s" if met else f"exit code {code}"
    tell(what, figure, "resumed and finished", met)
    if met:
        shutil.rmtree(home, ignore_errors=True)
    else:
        print(f"what it left is in {home}")
    return 0 if met else 1


if __name__ == "__main__":
    import ray  # noqa: F401  (brings psutil with it)

    sys.exit(main())
