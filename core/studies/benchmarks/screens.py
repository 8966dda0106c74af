"""How long the screens of the review take in Chromium, with a large case and a long worklist.

The real app is started in a process of its own on a store made for it; nothing of this
installation is touched. A key is timed inside the page, from its event to the next frame that is
drawn and to the moment at which the desk knows that the answer is saved.
"""

import hashlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.access.people import AT_THE_TERMINAL, Person
from core.imaging import synthetic
from core.records import Cell, CellCounts, Estimate, Field, SmearFinding, WbcCall
from core.review.case import cases
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells as cells_of
from core.review.record.review_store import ReviewStore
from core.review.signature.signing import sign
from core.settings import ROOT
from core.store.database import Database
from core.taxonomy import WBC_CLASSES

_WAIT_MS: Final = 300_000
_CASE: Final = "BENCH-400"
_SIGNED: Final = 50
_SIGNER: Final = Person("Bench", "local", "bench")


class NoBrowser(RuntimeError):
    """Chromium or the package that drives it is not here."""


@dataclass(frozen=True)
class ScreenTiming:
    """One thing a person waits for: median and 95th percentile in milliseconds of ``n`` times."""

    what: str
    median_ms: float
    p95_ms: float
    n: int


@contextmanager
def chromium() -> Iterator[Any]:
    """Playwright's Chromium without a window; closed at the end.

    Raises:
        NoBrowser: without Chromium or playwright.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NoBrowser("needs the package playwright (requirements-dev.txt)") from error
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise NoBrowser("needs Chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


def time_screens(cells: int = 400, listed: int = 500, keys: int = 100, openings: int = 5,
                 report: Callable[[str], None] = lambda _: None) -> list[ScreenTiming]:  # fmt: skip
    """Time the review's screens.

    Args:
        cells: white cells of the large case.
        listed: other cases, 50 of them signed.
        keys: keys pressed at the desk.
        openings: how often each screen is opened.
        report: told what is being done.

    Raises:
        NoBrowser: without Chromium or playwright.
    """
    with chromium() as browser, tempfile.TemporaryDirectory(prefix="hemadesk-bench-") as folder:
        report(f"making a case of {cells} white cells and {listed} others")
        number = fill(Path(folder), cells, listed)
        with served(Path(folder)) as address:
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.set_default_timeout(_WAIT_MS)
            case = f"{address}/review?case={number}"
            _open_case(page, case)  # the first visitor pays for the imports
            report("opening the case")
            opened = [_open_case(page, case) for _ in range(openings)]
            report("pressing keys at the desk")
            frames, saved = _keys(page, keys)
            report("opening the lists")
            worklist = [_open(page, f"{address}/worklist", _ROWS) for _ in range(openings)]
            label_next = [_view(page, "To label next", _QUEUE)]
            agreement = [_open(page, f"{address}/agreement", _AGREEMENT) for _ in range(openings)]
    return [
        _timing("key to next frame", frames),
        _timing("key to saved", saved),
        _timing(f"opening a case of {cells} cells", opened),
        _timing(f"worklist of {listed} cases", worklist),
        _timing("To label next", label_next),
        _timing("Agreement", agreement),
    ]


_ROWS: Final = "[data-testid=stButton] >> text=Review"
_QUEUE: Final = "[data-testid=stMain] img"
_AGREEMENT: Final = "[data-testid=stMain] :is([data-testid=stTable], svg.main-svg)"

_LISTEN: Final = """() => {
  window.benchFrames = [];
  window.benchSaved = [];
  let pressed = 0;
  window.addEventListener("keydown", () => {
    const begun = (pressed = performance.now());
    requestAnimationFrame(() => {
      const channel = new MessageChannel(); // runs after the frame was painted
      channel.port1.onmessage = () => window.benchFrames.push(performance.now() - begun);
      channel.port2.postMessage(0);
    });
  }, true);
  window.addEventListener("hemadesk-acknowledged", () => {
    window.benchSaved.push(performance.now() - pressed);
  });
}"""


# Any: playwright is there only where this is run.
def _keys(page: Any, keys: int) -> tuple[list[float], list[float]]:
    page.evaluate(_LISTEN)
    for number in range(keys):
        page.keyboard.press("SLME"[number % 4])
        page.wait_for_function(f"window.benchSaved.length > {number}")
    return page.evaluate("window.benchFrames"), page.evaluate("window.benchSaved")


def _open_case(page: Any, address: str) -> float:
    """Until the last cell of the film has its picture."""
    begun = time.perf_counter()
    page.goto(address)
    page.locator(".desk .cell img[src]").first.wait_for(state="visible")
    page.wait_for_function(
        """() => {
          const roots = [...document.querySelectorAll("*")].map((one) => one.shadowRoot);
          const root = roots.find((one) => one && one.querySelector(".desk")) || document;
          const images = [...root.querySelectorAll(".desk .cell img")];
          return images.length > 0 && images.every((one) => one.src);
        }"""
    )
    return 1000 * (time.perf_counter() - begun)


def _open(page: Any, address: str, there: str) -> float:
    begun = time.perf_counter()
    page.goto(address)
    page.locator(there).first.wait_for(state="visible")
    at_rest(page)
    return 1000 * (time.perf_counter() - begun)


def _view(page: Any, name: str, there: str) -> float:
    begun = time.perf_counter()
    page.get_by_text(name, exact=True).first.click()
    page.locator(there).first.wait_for(state="visible")
    at_rest(page)
    return 1000 * (time.perf_counter() - begun)


def at_rest(page: Any) -> None:
    """Streamlit says in an attribute of the app whether a script is still running."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def _timing(what: str, values: Sequence[float]) -> ScreenTiming:
    p95 = float(np.percentile(values, 95))
    return ScreenTiming(what, statistics.median(values), p95, len(values))


def fill(folder: Path, cells: int, listed: int) -> int:
    """A store with a large case of ten fields and many small ones; gives the large one's number."""
    store = ReviewStore(Database(f"sqlite:///{folder / 'hemadesk.db'}"), folder)
    me = AT_THE_TERMINAL
    large = cases.create(store, me, _CASE, pseudonym="P-1")
    for place in range(10):
        field = synthetic.draw(place, width=1200, height=900, wbc=["lymphocyte"], rbc=30).field
        here = cells // 10 + (place < cells % 10)
        cases.keep_field(store, me, large.id, field, _finding(field, here))
    rng = np.random.default_rng(0)
    for number in range(listed):
        case = cases.create(store, me, f"BENCH-L{number:04d}")
        pixels = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
        field = Field("a.png", pixels, hashlib.sha256(pixels.tobytes()).hexdigest())
        cases.keep_field(store, me, case.id, field, _finding(field, 3))
        if number < _SIGNED:
            _sign(store, case.id)
    store.database.close()
    return large.id


def _sign(store: ReviewStore, case_id: int) -> None:
    """Named as the program did: what Agreement compares."""
    found = cells_of(store, _SIGNER, case_id)
    given = [NewAnswer(cell.id, cell.call.label if cell.call else "monocyte") for cell in found]
    answer(store, _SIGNER, case_id, given)
    sign(store, _SIGNER, case_id, "a case to be timed")


def _finding(field: Field, cells: int) -> SmearFinding:
    """Cells on a grid, of every class, one in ten of them doubtful."""
    across = max(1, int(np.ceil(np.sqrt(cells))))
    width, height = field.width / across, field.height / across
    found = []
    for number in range(cells):
        left, top = width * (number % across), height * (number // across)
        box = (left + 1, top + 1, left + 0.9 * width, top + 0.9 * height)
        label = WBC_CLASSES[number % len(WBC_CLASSES)]
        rest = {name: 0.01 for name in WBC_CLASSES if name != label}
        shares = {label: 1 - sum(rest.values()), **rest}
        doubtful = number % 10 == 0
        call = WbcCall(label, shares[label], shares, (label,), doubtful, "wbc@00000000")
        found.append(Cell("wbc", box, 0.9, call))
    none, white = Estimate(0, 0, 1), Estimate(cells, cells, cells)
    return SmearFinding(
        field.name, field.width, field.height, "locator", "locator@00000000", "all_visible",
        CellCounts(none, white, none), tuple(found), (), field.width / 25,
    )  # fmt: skip


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The app on the store in ``folder``; gives its address."""
    with served_process(folder) as (address, _):
        yield address


@contextmanager
def served_process(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The same with its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    command += ["--server.headless", "true"]
    environment = {
        **os.environ,
        "HEMADESK_VAR": str(folder),
        "HEMADESK_DATABASE_URL": "",
        "HEMADESK_LOCAL_TOKEN": "off",
    }
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health"):
                    break
            except OSError:
                time.sleep(0.1)
        yield address, process
    finally:
        process.terminate()
        process.wait()
