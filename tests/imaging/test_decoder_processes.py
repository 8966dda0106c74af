"""Decoding in processes of their own: bounds, a real stop, deaths, forks, threads, the end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from core.imaging import decoder_processes, synthetic
from core.imaging.decode import decode
from core.imaging.decoder_processes import Stop
from core.imaging.read import ImageRefused, read_field
from core.imaging.refusal import Limits
from core.inference.batch import Batch, uploads
from core.models import registry
from core.settings import ROOT, Settings

LIMITS = Settings()
FIELD = synthetic.draw(5, width=320, height=240).field.pixels


def encoded(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(FIELD).save(out, kind, **options)
    return out.getvalue()


JPEG = encoded("JPEG", quality=95)


def endless_jpeg(scans: int = 3000) -> bytes:
    """Half a megabyte of a progressive JPEG of 64 megapixels whose last scan is repeated."""
    out = io.BytesIO()
    Image.new("L", (8000, 8000), 128).save(out, "JPEG", progressive=True, quality=10)
    data = out.getvalue()
    scan = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + scan * scans + b"\xff\xd9"


def children() -> list[int]:
    """Process ids of the decoding processes of this program."""
    return [child._process.pid for child in decoder_processes._pool._all]


@pytest.fixture
def fresh() -> Iterator[None]:
    decoder_processes.close()
    yield
    decoder_processes.close()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
def test_a_child_gives_what_the_decoder_gives(kind: str) -> None:
    data = encoded(kind)
    inside = decode("a", data, Limits.of(LIMITS))
    np.testing.assert_array_equal(read_field("a", data, LIMITS).pixels, inside)


def test_a_picture_without_end_is_refused_in_time_and_the_next_is_read(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_processes, "SECONDS", 0.5)
    with pytest.raises(ImageRefused) as caught:
        read_field("endless.jpg", endless_jpeg(), LIMITS)
    assert caught.value.code == "too_slow" and "ordinary JPEG" in caught.value.message
    assert read_field("a.jpg", JPEG, LIMITS).width == 320


def test_the_parent_may_be_gone_and_the_child_still_ends(tmp_path) -> None:
    (tmp_path / "endless.jpg").write_bytes(endless_jpeg())
    program = f"""
        import sys, threading, time
        from core.imaging import decoder_processes
        from core.imaging.read import read_field
        from core.settings import Settings
        decoder_processes.child.SECONDS = 1.0
        data = open({str(tmp_path / "endless.jpg")!r}, "rb").read()
        threading.Thread(target=read_field, args=("a", data, Settings()), daemon=True).start()
        while not [c for c in decoder_processes._pool._all if c._serving]:
            time.sleep(0.05)
        print(*(c._process.pid for c in decoder_processes._pool._all), flush=True)
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = run(program)
    assert done.returncode == -signal.SIGKILL
    wait_until_gone([int(word) for word in done.stdout.split()])


def test_too_much_memory_is_refused_and_the_next_is_read(fresh: None) -> None:
    bomb = io.BytesIO()
    Image.new("RGBA", (8000, 8000), (1, 2, 3, 4)).save(bomb, "WEBP", lossless=True)
    with pytest.raises(ImageRefused) as caught:
        read_field("bomb.webp", bomb.getvalue(), LIMITS)
    assert caught.value.code in ("too_much_memory", "truncated")
    assert read_field("a.jpg", JPEG, LIMITS).width == 320


def test_stop_ends_the_picture_that_is_being_decoded(fresh: None) -> None:
    stop, outcome = Stop(), []

    def work() -> None:
        with stop.applies():
            try:
                read_field("endless.jpg", endless_jpeg(), LIMITS)
            except ImageRefused as refusal:
                outcome.append(refusal.code)

    thread = threading.Thread(target=work)
    thread.start()
    while not any(child._serving for child in list(decoder_processes._pool._all)):
        time.sleep(0.02)
    stop.set()
    thread.join(8)
    assert outcome == ["stopped"]
    with stop.applies(), pytest.raises(ImageRefused, match="it was stopped"):
        read_field("a.jpg", JPEG, LIMITS)
    assert read_field("a.jpg", JPEG, LIMITS).width == 320  # outside the block it does not apply


def test_a_batch_stops_within_a_picture(fresh: None) -> None:
    sources = uploads([("endless.jpg", endless_jpeg()), ("a.jpg", JPEG)], LIMITS)
    batch = Batch(sources, registry.smear_models()).start()
    while not any(child._serving for child in list(decoder_processes._pool._all)):
        time.sleep(0.02)
    batch.stop()
    assert batch.wait(8) and batch.stopped
    assert not batch.refusals and not batch.results


def test_an_idle_child_that_was_killed_costs_nothing(fresh: None) -> None:
    read_field("a.jpg", JPEG, LIMITS)
    for _ in range(5):
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        assert read_field("a.jpg", JPEG, LIMITS).width == 320


def test_a_child_that_crashes_costs_one_refusal(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = "import os; os.write(1, b'ready'); os.read(0, 9); os.abort()"
    real = subprocess.Popen

    def crashing(command: list[str], **options: object) -> object:
        return real([sys.executable, "-c", crash], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", crashing)
    with pytest.raises(ImageRefused) as caught:
        read_field("a.jpg", JPEG, LIMITS)
    assert caught.value.code == "truncated" and "decoder ended" in caught.value.message
    monkeypatch.setattr(subprocess, "Popen", real)
    assert read_field("a.jpg", JPEG, LIMITS).width == 320


def test_a_child_that_does_not_start_is_a_refusal_too(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ImageRefused, match="did not start"):
        read_field("a.jpg", JPEG, LIMITS)


def test_threads_share_the_children(fresh: None) -> None:
    outcomes: list[tuple[int, int]] = []

    def work(number: int) -> None:
        for _ in range(10):
            data = encoded("PNG") if number % 2 else b"no picture"
            try:
                outcomes.append((number % 2, read_field("a", data, LIMITS).width))
            except ImageRefused:
                outcomes.append((number % 2, 0))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [(0, 0)] * 60 + [(1, 320)] * 60
    assert len(children()) <= 4


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def wait_until_gone(pids: list[int]) -> None:
    assert pids
    for pid in pids:
        for _ in range(400):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                        break  # ended; nobody of ours is there to be told
            except OSError:
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"process {pid} is still there")


PROGRAM = """
    import io, multiprocessing, os, sys
    import numpy as np
    from PIL import Image
    from core.imaging import decoder_processes
    from core.imaging.read import read_field
    from core.settings import Settings

    out = io.BytesIO()
    Image.effect_noise((320, 240), 50).convert("RGB").save(out, "PNG")
    DATA = out.getvalue()

    def read():
        assert read_field("a", DATA, Settings()).width == 320
        return [child._process.pid for child in decoder_processes._pool._all]

    def worker(queue):
        queue.put(read())

    if __name__ == "__main__":
        mine = read()
"""


def test_a_fork_has_children_of_its_own_and_nothing_is_left() -> None:
    done = run(
        PROGRAM
        + """
        queue = multiprocessing.get_context("fork").Queue()
        # Workers of a training are daemons, which may have no children of multiprocessing.
        workers = [
            multiprocessing.get_context("fork").Process(target=worker, args=(queue,), daemon=True)
            for _ in range(3)
        ]
        for process in workers:
            process.start()
        theirs = [queue.get(timeout=60) for _ in workers]
        for process in workers:
            process.join()
        assert [process.exitcode for process in workers] == [0, 0, 0]
        assert read() == mine
        print(*mine, *(pid for pids in theirs for pid in pids))
        """
    )
    assert done.returncode == 0, done.stderr
    pids = [int(word) for word in done.stdout.split()]
    assert len(set(pids)) == 4
    wait_until_gone(pids)


def test_no_torch_and_no_streamlit_in_a_child(fresh: None) -> None:
    read_field("a.tif", encoded("TIFF"), LIMITS)
    (pid,) = children()
    with open(f"/proc/{pid}/maps") as file:
        mapped = file.read()
    assert "torch" not in mapped and "cv2" not in mapped
