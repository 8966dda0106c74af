"""Hours of mixed work against one server: do memory, files, threads and the database stay flat.

The real app runs in a process of its own on a store made for it. Several windows of Chromium send
drawn fields, open cases, answer cells, look at lists and leave again; the figures are the server's
own (``/metrics``).
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.imaging import synthetic
from core.studies.benchmarks.screens import chromium, fill, served

_WAIT_MS: Final = 300_000
_FEWEST: Final = 6
"""Rounds of all windows that are made in any case."""
_ANALYSE: Final = "analyse_smear"
_PAGES: Final = (
    "",
    _ANALYSE,
    "worklist",
    "review",
    "agreement",
    "models",
    "settings",
    "help",
)
_WATCHED: Final = {
    "process_resident_memory_bytes": "memory, MB",
    "process_open_fds": "open files",
    "process_threads": "threads",
    "hemadesk_database_bytes": "database, MB",
}


@dataclass(frozen=True)
class Drift:
    """A figure of the server over the time: at the end of the warm-up, at the end, and its slope.

    ``per_hour`` is the slope of a straight line through the second half.
    """

    what: str
    first: float
    last: float
    highest: float
    per_hour: float


def soak(
    minutes: float, sessions: int, train: bool, report: Callable[[str], None] = lambda _: None
) -> tuple[list[Drift], int]:
    """Work for some minutes and watch the server.

    Args:
        minutes: how long.
        sessions: windows at the same time.
        train: whether a training runs beside them.
        report: told the figures as they come.

    Returns:
        The drift of each figure, and how many pages were opened.

    Raises:
        NoBrowser: without Chromium or playwright.
    """
    seen: list[tuple[float, dict[str, float]]] = []
    with chromium() as browser, tempfile.TemporaryDirectory(prefix="hemadesk-soak-") as name:
        folder = Path(name)
        case = fill(folder, 60, 40)
        with served(folder) as address:
            training = _training(folder) if train else None
            windows = [browser.new_page() for _ in range(sessions)]
            begun = time.monotonic()
            opened = 0
            # On a slow machine the time may be over before a slope could be drawn.
            while time.monotonic() - begun < 60 * minutes or len(seen) < _FEWEST:
                place = opened % sessions
                windows[place] = _work(browser, windows[place], address, case, opened)
                opened += 1
                if opened % sessions == 0:
                    seen.append((time.monotonic() - begun, _figures(address)))
                    report(f"{seen[-1][0] / 60:.1f} min, {opened} pages: {_words(seen[-1][1])}")
            if training is not None:
                training.terminate()
                training.wait()
    return [_drift(metric, what, seen) for metric, what in _WATCHED.items()], opened


def _work(browser: Any, window: Any, address: str, case: int, number: int) -> Any:
    """One step of a person: a page, sometimes an answer, sometimes a new window."""
    choice = random.Random(number)
    if choice.random() < 0.1:
        window.close()
        window = browser.new_page()
    window.set_default_timeout(_WAIT_MS)
    page = choice.choice(_PAGES)
    window.goto(f"{address}/{page}" + (f"?case={case}" if page == "review" else ""))
    window.wait_for_selector("text=Research use", state="attached")
    if page == _ANALYSE:
        name, sent = f"{number}.png", synthetic.png_bytes(synthetic.draw(number).field)
        window.locator("input[type=file]").set_input_files(
            [{"name": name, "mimeType": "image/png", "buffer": sent}]
        )
        window.get_by_role("button", name="Analyse 1 field", exact=True).click()
        window.locator(".st-key-filmstrip img").wait_for()
    if page == "review":
        window.keyboard.press(choice.choice("123456"))
        window.wait_for_timeout(300)
    return window


def _training(folder: Path) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable,
        "-m",
        "core",
        "bench",
        "training",
        "--pairs",
        "1000",
        "--cells",
        "64",
    ]
    environment = {**os.environ, "HEMADESK_VAR": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _figures(address: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        text = answer.read().decode()
    rows = re.findall(r"^(\w+) ([0-9.e+]+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in rows if name in _WATCHED}


def _scale(what: str) -> float:
    return 1e6 if what.endswith("MB") else 1.0


def _words(figures: dict[str, float]) -> str:
    return ", ".join(
        f"{what.split(',')[0]} {figures[metric] / _scale(what):.0f}"
        for metric, what in _WATCHED.items()
    )


def _drift(metric: str, what: str, seen: Sequence[tuple[float, dict[str, float]]]) -> Drift:
    hours = np.array([at / 3600 for at, _ in seen])
    values = np.array([figures[metric] / _scale(what) for _, figures in seen])
    half = len(seen) // 2
    slope = float(np.polyfit(hours[half:], values[half:], 1)[0])
    return Drift(what, float(values[half]), float(values[-1]), float(values.max()), slope)
