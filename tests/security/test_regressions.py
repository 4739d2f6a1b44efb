"""What was seen before the readers had their limits: each of these was a crash, a hang or worse once."""

from __future__ import annotations

import base64
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from samples import ASC, Keys, igor_wave, write_job, write_run

from rallax.sim.morphology import MorphologyError, count_compartments, read_reconstruction
from rallax.sim.morphology.reconstruction import canonical_order
from rallax.storage import DamagedRun, LocalStore, RunStore
from rallax.workflows import Run
from rallax.workflows.console import print_json, print_lines
from rallax.workflows.errors import UserError
from rallax.workflows.expression import Expression
from rallax.workflows.recordings import read_recording
from rallax.workflows.user_code import load_entry


def test_a_chain_of_points_in_one_place_is_no_recursion(tmp_path: Path) -> None:
    # 2,000 branches without length, one on the other, were a RecursionError.
    lines = ["1 1 0 0 0 5 -1", "2 3 10 0 0 1 1"]
    for i in range(1, 1500):
        on = 2 * i if i > 1 else 2
        lines += [f"{2 * i + 1} 3 10 0 0 1 {on}", f"{2 * i + 2} 3 10 0 0 1 {on}"]
    lines.append("9000 3 60 0 0 1 3000")
    file = tmp_path / "cell.swc"
    file.write_text("\n".join(lines))
    assert read_reconstruction(file).groups.keys() == {"soma", "basal"}


SECRET = (
    "eNrr9HBx4+WS4mLm4GCAgf9QsAAqZAAV5z1jF+rv4RLExFDBJISsEAa4mBgYGRjYBBmAFFtBfmZeSfFmmKHODNQA5l8nQZzAyMDIqMLAwMTEyMgK"
    "lWOB0uh8ZhEGRkEFewaIbxwYTLgZTP4zA9UBXcvMxQH0CTMjVJJhAcyiBQyDHri971VhGAWjYBSMglEwCmgAHCDUB3tUGkN+P355GBBB46Or98SQ"
    "BwBeDzOt"
)
LINKED = (
    "eNrr9HBx4+WS4mLm4GCAgf9QIAEVMoCKc+7J+evv4RLExFDBJISsEAa4mBgYGRjYhBmAFEduakliSmJJ4maobjYRkDBncUlRaXJJaVFqFiNUXB4o"
    "zuHAVpCfmVdSDNRbnJpclFqil2HKoA8RA6qBOc0zXXQOxAlr8DlBVIiBBVOOx5KBgZmBg4GHAeiUstSi4sz8PAYBoCEsYLMVGJgYGRmZoDbBaJAr"
    "mYEYopkHojk5NScnPi0xNzOnEsMARiSNMGA5azo/2NmMDIyMKkDDmRAWMaNZCOMz8zAwCnAgzGYF+oyZiwPoa2Zg6ELUSMAsWMEwZICYvdQ8hlEw"
    "CkbBKBgFgwAwQutRZqTaBwB4SWU6"
)
"""Two HDF5 files as h5py wrote them (compressed): the points of LINKED are an external link to those of secret.h5."""


def test_an_h5_file_that_leads_to_another_is_not_followed(tmp_path: Path) -> None:
    # MorphIO by itself reads the other file's numbers.
    for name, text in (("secret.h5", SECRET), ("cell.h5", LINKED)):
        (tmp_path / name).write_bytes(zlib.decompress(base64.b64decode(text)))
    with pytest.raises(MorphologyError, match=r"not readable as H5: .*points"):
        read_reconstruction(tmp_path / "cell.h5")


def test_a_process_of_its_own_reads_h5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import morphio
    from morphio.mut import Morphology

    source = tmp_path / "cell.asc"
    source.write_text(ASC[0])
    morphio.set_maximum_warnings(0)
    Morphology(str(source)).write(str(tmp_path / "cell.h5"))
    # With and without: what a user's shell sets decides how Python opens its output, here a pipe.
    for unbuffered in ("", "1"):
        monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
        assert len(read_reconstruction(tmp_path / "cell.h5")) == len(read_reconstruction(source))
    content = (tmp_path / "cell.h5").read_bytes()
    (tmp_path / "cell.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(MorphologyError, match="not readable as H5"):
        read_reconstruction(tmp_path / "cell.h5")


def test_the_order_of_many_stretches_is_found_at_once() -> None:
    # Each stretch was looked for among all that wait: hours for 100,000 of them.
    n = 100_000
    order = canonical_order([1] + [2 + i % 3 for i in range(n)], [-1] + [0] * n)
    assert sorted(order) == list(range(n + 1)) and order[0] == 0
    kinds = [2 + (i - 1) % 3 for i in order[1:]]
    assert kinds == sorted(kinds)


def test_compartments_are_counted_before_they_are_made(tmp_path: Path) -> None:
    file = tmp_path / "cell.asc"
    file.write_text(ASC[0])
    sections = read_reconstruction(file)
    for rule in ({"max_length": 5e-324}, {"ncomp": 10**7}, {"d_lambda": 1e-300}):
        cable = {"axial_resistivity": 100.0, "capacitance": 1.0} if "d_lambda" in rule else {}
        with pytest.raises(MorphologyError, match="at most 1000000, so take a coarser rule"):
            count_compartments(sections, **rule, **cable)
    with pytest.raises(MorphologyError, match="beyond numbers"):
        count_compartments(sections, d_lambda=0.1, axial_resistivity=1e-200, capacitance=1e-200)


def test_a_long_sum_is_evaluated() -> None:
    # Accepted when it was parsed, a RecursionError when it was evaluated; and 1e300 as a whole exponent overflowed.
    assert float(Expression.parse("+".join(["d"] * 500)).evaluate({"d": 2.0})) == 1000.0
    assert float(Expression.parse("d^1e300").evaluate({"d": 0.5})) == 0.0
    assert float(Expression.parse("min(d, 3)^2 - -d").evaluate({"d": 5.0})) == 14.0


def test_neo_evaluates_no_unit(tmp_path: Path) -> None:
    # neo hands the unit in the header to quantities, which evaluates it.
    file = tmp_path / "v.ibw"
    file.write_bytes(igor_wave(unit=b"2**9"))
    with pytest.raises(UserError, match="is in '2\\*\\*9', which is no unit of voltage"):
        read_recording(file, "voltage")


@pytest.mark.parametrize("version", [1, 2, 3, 5])
@pytest.mark.parametrize("order", "<>")
def test_waves_of_every_version_are_taken_apart_as_igor2_does(tmp_path: Path, version: int, order: str) -> None:
    values = np.linspace(-70, -60, 20)
    file = tmp_path / "v.ibw"
    file.write_bytes(igor_wave(version, order=order, values=values))
    if version == 1:
        with pytest.raises(UserError, match="of version 1, which is not read"):
            read_recording(file, "voltage")
        return
    found = read_recording(file, "voltage")
    np.testing.assert_allclose(found.values, values, rtol=1e-6)
    assert found.interval_ms == pytest.approx(0.1)


def test_what_is_hashed_is_what_runs(tmp_path: Path) -> None:
    # A compiled copy beside the file, with its time and size, ran in place of the source whose hash was taken.
    import py_compile

    (tmp_path / "loss.py").write_text("f = 'bad '\n")
    py_compile.compile(str(tmp_path / "loss.py"))
    before = (tmp_path / "loss.py").stat()
    (tmp_path / "loss.py").write_text("f = 'good'\n")
    os.utime(tmp_path / "loss.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_entry("loss.py:f", tmp_path) == "good"


def test_nothing_outside_a_run_is_written_or_removed(tmp_path: Path) -> None:
    # .rallax/tmp as a link: every process that takes the run over removed what it led to.
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    store = LocalStore(tmp_path / "run")
    store.put("job.toml", b"x")
    (tmp_path / "run" / ".rallax").mkdir(exist_ok=True)
    temporary = tmp_path / "run" / ".rallax" / "tmp"
    if temporary.is_dir():
        temporary.rmdir()
    temporary.symlink_to(home)
    (tmp_path / "run" / "log.jsonl").symlink_to(home / "thesis.txt")
    for change in (
        store.tidy,
        lambda: store.put("report.html", b"x"),
        lambda: store.append("log.jsonl", b"x"),
        lambda: store.delete_tree("log.jsonl"),
        lambda: store.get("log.jsonl"),
    ):
        with pytest.raises(DamagedRun, match="is a symbolic link, and a run holds none"):
            change()
    assert [p.read_text() for p in home.iterdir()] == ["years of work"]


def test_a_log_that_would_write_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = write_run(tmp_path)
    keys["log.jsonl"] += b'{"kind": "failed", "message": "\\u001b[2J\\u009b1m\\u202ex\\ud800"}\n'
    keys["log.jsonl"] += b'{"kind": ["x"], "time": "y"}\n'
    status = Run(RunStore(Keys(keys), write=False)).status()
    print_lines(status.failures)
    print_json({"failures": status.failures})
    told = capsys.readouterr().out
    assert "\x1b" not in told and "\x9b" not in told and "\u202e" not in told
    assert "\\x1b[2J" in told and "\\u001b[2J" in told


def test_a_report_shows_what_names_and_logs_say_as_text(tmp_path: Path) -> None:
    from rallax.workflows.report import render
    from rallax.workflows.run_report import report_data

    keys = write_run(tmp_path)
    attack = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>"
    keys["job.toml"] += f"# {attack}\n".encode()
    keys["log.jsonl"] += b'{"kind": "failed", "message": "<script>alert(2)</script>", "start": "<b>", "step": 1}\n'
    html = render(report_data(Run(RunStore(Keys(keys), write=False))))
    assert "<script" not in html and "<img src=x" not in html and "<b>&lt;" not in html
    assert "&lt;script&gt;alert(1)" in html and "&lt;script&gt;alert(2)" in html


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Checked, then read: what came between the two was fitted under the hash of what was there before.
    from rallax.workflows import problem
    from rallax.workflows.job import load_job
    from rallax.workflows.resolve import resolve

    file = write_job(tmp_path)
    resolved = resolve(load_job(file)).with_settings(
        starts_per_block=2, sweeps_per_item=[2, 1], evaluate_every=5, memory_budget_bytes=2**30
    )

    def swapped(job: object, settings: object) -> None:
        (tmp_path / "v_1.csv").write_text("0 -70\n1 -70\n")

    monkeypatch.setattr(problem, "JobProblem", swapped)
    with pytest.raises(UserError, match=r"v_1.csv is not what it was"):
        problem.from_config({"resolved": resolved.to_json()})


def test_real_sizes_pass_the_limits() -> None:
    from rallax.sim.morphology import limits as morphology
    from rallax.storage import limits as storage
    from rallax.workflows import limits

    two_hours_at_50_kHz = 2 * 3600 * 50_000
    assert two_hours_at_50_kHz <= limits.SAMPLES
    assert 8 * two_hours_at_50_kHz <= limits.BINARY_BYTES and 20 * two_hours_at_50_kHz <= limits.TEXT_BYTES
    assert limits.STEPS >= 2 * 3600 * 1000 / 0.025
    assert morphology.POINTS >= 100_000 and morphology.FILE_BYTES >= 100_000 * 70
    # Traces of eight starts at that length, in float32.
    assert 8 * 4 * two_hours_at_50_kHz <= storage._GROUP_BYTES


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": "gzip"},
        {"compressors": "blosc"},
        {"compressors": "zstd", "chunks": (7,)},
        {"compressors": None, "chunks": (30,)},
        {"compressors": "gzip", "chunks": (10,), "shards": (40,)},
        {"compressors": ("crc32c", "zstd"), "chunks": (50,)},
        {"compressors": ("zstd", "crc32c"), "chunks": (50,)},
    ],
)
def test_what_zarr_writes_is_read(tmp_path: Path, options: dict[str, object]) -> None:
    import zarr
    from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, ZstdCodec

    known = {"gzip": GzipCodec(), "blosc": BloscCodec(), "zstd": ZstdCodec(), "crc32c": Crc32cCodec()}
    named = options["compressors"]
    names = (named,) if isinstance(named, str) else named
    compressors = None if names is None else [known[name] for name in names]
    values = np.linspace(-70, -60, 83)
    array = zarr.create_array(tmp_path / "v.zarr", data=values, **{**options, "compressors": compressors})
    array.attrs.update({"units": "mV", "sampling_interval_ms": 0.1})
    np.testing.assert_array_equal(read_recording(tmp_path / "v.zarr", "voltage").values, values)
