"""What is particular to object stores: refusals in one line, patience, a second writer, readers beside a writer."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from rallax.storage import (
    Fenced,
    NotARun,
    NotWritable,
    RemoteStore,
    RunExists,
    RunStore,
    StorageError,
    remote_errors,
    remote_store,
    runs_in,
)


def advanced(fit: Any, steps: int) -> dict[str, Any]:
    """A fit some steps further on, as what a commit takes."""
    history = fit.advance(steps)
    return {"tree": fit.tree(), "history": history, "step": fit.step}


def test_a_run_in_a_bucket_from_its_creation_to_its_extension(kit, s3_place):
    run = kit.make_run(s3_place)
    run.claim_epoch()
    fit = kit.ToyFit()
    for number in range(4):
        history = fit.advance(2)
        run.commit(fit.tree(), history=history, step=fit.step, keep=2, best=number == 0)
        run.log({"step": fit.step})
    kit.assert_state(RunStore.open(s3_place), step=8)
    assert [commit.label.seq for commit in RunStore.open(s3_place).commits()] == [1, 3, 4]
    assert [event["step"] for event in RunStore.open(s3_place).read_log()] == [2, 4, 6, 8]
    assert RunStore.open(s3_place).verify() == []
    again = RunStore.open(s3_place, write=True)
    again.claim_epoch()
    fit = kit.ToyFit(again.latest())
    history = fit.advance(2)
    again.commit(fit.tree(), history=history, step=fit.step)
    kit.assert_state(RunStore.open(s3_place), step=10)
    with pytest.raises(Fenced, match="another process took this run over"):
        run.commit({}, step=9)
    with pytest.raises(RunExists, match="already here"):
        kit.make_run(s3_place)
    assert runs_in(s3_place.rpartition("/")[0]) == [s3_place]


def test_xarray_and_zarr_open_it_with_nothing_of_ours(kit, s3, s3_place):
    """Warnings are errors here, those of zarr and xarray among them."""
    import xarray as xr

    run = kit.make_run(s3_place)
    run.claim_epoch()
    fit = kit.ToyFit()
    run.commit(**advanced(fit, 3))
    tree = xr.open_datatree(f"{s3_place}/run.zarr", engine="zarr", storage_options={"endpoint_url": s3})
    voltage = tree["data/IV_265/voltage"]
    assert voltage.dims == ("site", "time") and voltage.attrs["units"] == "mV" and "time" in voltage.coords
    (segment,) = tree["history"].children.values()
    assert segment["loss"].values.tobytes() == kit.undisturbed(3)[1].tobytes()


WRITER = """
import sys
import numpy as np
from rallax.storage import Fenced, RunStore
run = RunStore.open(sys.argv[1], write=True)
run.claim_epoch()
print("mine", flush=True)
sys.stdin.readline()
try:
    run.commit({"x": np.ones(3)}, step=99)
except Fenced as error:
    print(error, flush=True)
"""


def test_a_second_process_takes_the_run_over_and_the_first_cannot_commit(kit, place):
    kit.make_run(place)
    first = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout is not None and first.stdin is not None and first.stdout.readline() == "mine\n"
        second = RunStore.open(place, write=True)
        assert second.claim_epoch() == 2
        fit = kit.ToyFit()
        second.commit(**advanced(fit, 2))
        first.stdin.write("\n")
        first.stdin.flush()
        assert "epoch 2 after 1" in first.stdout.readline()
    finally:
        first.kill()
        first.communicate()
    kit.assert_state(RunStore.open(place), step=2)


READER = """
import sys
import warnings
warnings.simplefilter("error")
import xarray
from rallax.storage import RunStore
place = sys.argv[1]
steps = []
print("ready", flush=True)
while not steps or steps[-1] < 24:
    run = RunStore.open(place)
    latest = run.latest(strict=True)
    if latest is None:
        continue
    steps.append(latest.step)
    loss = run.history(latest)["loss"].data
    assert len(loss) == latest.step, (len(loss), latest.step)
    assert all(event["step"] % 2 == 0 for event in run.read_log())
    tree = xarray.open_datatree(f"{place}/run.zarr", engine="zarr")
    rows = sum(node.sizes["step"] for node in tree["history"].children.values())
    assert rows in range(0, 26, 2) and all("committed" in n.attrs for n in tree["checkpoints"].children.values())
assert steps == sorted(steps)
print("looks", len(steps), len(set(steps)), flush=True)
"""


def test_a_reader_in_another_process_sees_whole_states_only(kit, place):
    run = kit.make_run(place)
    run.claim_epoch()
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(place)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None and reader.stderr is not None
        assert reader.stdout.readline() == "ready\n", reader.stderr.read()
        fit = kit.ToyFit()
        while fit.step < 24:
            run.commit(**advanced(fit, 2), keep=1)
            run.log({"step": fit.step})
            time.sleep(0.05)
        said, complaints = reader.communicate(timeout=120)
    assert reader.returncode == 0, complaints
    looks, different = map(int, said.split()[1:])
    assert looks >= different >= 2


def test_a_missing_bucket_is_one_line(s3, kit):
    for act in (
        lambda: RunStore.open("s3://no-such-bucket/run"),
        lambda: kit.make_run("s3://no-such-bucket/run"),
        lambda: runs_in("s3://no-such-bucket/folder"),
    ):
        with pytest.raises(StorageError, match=r"^[^\n]*there is no bucket 'no-such-bucket'[^\n]*$"):
            act()
    with pytest.raises(NotARun, match="no run is here"):
        RunStore.open("s3://runs/none")


def test_nobody_answers(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    monkeypatch.setattr(remote_errors, "FIRST_SECONDS", 0.3)
    with pytest.raises(StorageError, match=r"^s3://bucket/run[^\n]*127.0.0.1:9[^\n]*$"):
        RunStore.open("s3://bucket/run")


class Answers(BaseHTTPRequestHandler):
    """Answers with the statuses of the list, then as if nothing were there."""

    protocol_version = "HTTP/1.1"
    statuses: ClassVar[list[int]] = []
    asked: ClassVar[int] = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = self.statuses.pop(0) if self.statuses else 404
        code = {403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError", 503: "SlowDown"}[status]
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_PUT = do_HEAD = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def answers(monkeypatch) -> Iterator[type[Answers]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    Answers.statuses, Answers.asked = [], 0
    yield Answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_errors_of_the_server_are_borne(answers):
    answers.statuses = [500, 503, 503, 500]
    assert RemoteStore("s3://bucket/run").get("a") is None
    assert answers.asked >= 5


def test_errors_that_stay_end_within_the_budget(answers, monkeypatch):
    monkeypatch.setattr(remote_errors, "FIRST_SECONDS", 0.5)
    answers.statuses = [503] * 1000
    with pytest.raises(OSError, match="does not answer as it should"):
        RemoteStore("s3://bucket/run").get("a")
    assert 2 <= answers.asked < 100


def test_refused_access_is_not_tried_again(answers, kit):
    answers.statuses = [403] * 1000
    with pytest.raises(StorageError, match=r"^s3://bucket/run[^\n]*access is refused; look at the credentials[^\n]*$"):
        RunStore.open("s3://bucket/run")
    assert answers.asked == 1
    with pytest.raises(StorageError, match="access is refused"):
        kit.make_run("s3://bucket/run")
    answers.statuses = [403] * 1000
    with pytest.raises(PermissionError):
        RemoteStore("s3://bucket/run").put("a", b"1")


def test_no_credentials_at_all(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(remote_errors, "FIRST_SECONDS", 0.3)
    with pytest.raises(StorageError, match=r"^s3://bucket/run[^\n]*credentials"):
        RunStore.open("s3://bucket/run")


def test_a_lost_answer_to_an_exclusive_put_is_not_taken_for_another_process(s3_place):
    """The put arrives, its answer does not: the repetition finds its own bytes."""
    store = RemoteStore(s3_place)
    put, lost = store._filesystem.pipe_file, []

    def losing(*arguments: object, **options: object) -> None:
        put(*arguments, **options)
        if not lost:
            lost.append(True)
            raise TimeoutError("no answer")

    store._filesystem.pipe_file = losing
    store.put("claim", b"mine", exclusive=True)
    with pytest.raises(FileExistsError):
        store.put("claim", b"another's", exclusive=True)
    assert lost and store.get("claim") == b"mine"


def test_a_missing_package_names_the_extra(monkeypatch):
    import fsspec

    def absent(*arguments: object, **options: object) -> None:
        raise ImportError("Please install gcsfs to access Google Storage")

    monkeypatch.setattr(fsspec, "filesystem", absent)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "one that no filesystem is kept for")
    with pytest.raises(StorageError, match=r"^gs://bucket/run: [^\n]*gcsfs[^\n]*'rallax\[gcs\]'$"):
        RunStore.open("gs://bucket/run")


def test_google_cloud_goes_the_same_way(monkeypatch, kit):
    """The same store over another filesystem of fsspec: one in memory that knows the same calls."""
    from fsspec.implementations.memory import MemoryFileSystem

    class Bucket(MemoryFileSystem):
        store: ClassVar[dict[str, Any]] = {}
        pseudo_dirs: ClassVar[list[str]] = [""]

        def pipe_file(self, path, value, mode="overwrite", **options):
            super().pipe_file(path, value, mode=mode)

    monkeypatch.setattr(remote_store, "open_filesystem", lambda place: Bucket(skip_instance_cache=True))
    run = kit.make_run("gs://bucket/run")
    run.claim_epoch()
    fit = kit.ToyFit()
    run.commit(**advanced(fit, 2), keep=1)
    run.commit(**advanced(fit, 2), keep=1)
    kit.assert_state(RunStore.open("gs://bucket/run"), step=4)


def test_a_run_that_is_opened_for_reading_writes_nothing(kit, s3_place):
    kit.make_run(s3_place)
    with pytest.raises(NotWritable):
        RunStore.open(s3_place).log({"step": 1})
