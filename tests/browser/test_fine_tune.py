"""A training in Chromium from its start to its end, with its process killed on the way."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.training.loop import wrong_examples
from core.training.runs import lifecycle

pytestmark = pytest.mark.browser

WORKER_MS = 300_000
"""How long a worker may take to start and learn an epoch before it counts as hung."""


@pytest.fixture(autouse=True)
def no_worker_left() -> Iterator[None]:
    """A test that fails half-way must not leave a training of thousands of epochs behind."""
    yield
    for run in lifecycle.book().all():
        if run.state == "running" and run.process is not None and lifecycle.is_held(run):
            os.kill(run.process, signal.SIGKILL)


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Two classes of fifteen drawn cells."""
    for label, colour in (("monocyte", (60, 60, 160)), ("lymphocyte", (200, 90, 60))):
        (tmp_path / "cells" / label).mkdir(parents=True)
        for number in range(15):
            seed = number + len(label) * 100
            small = np.random.default_rng(seed).integers(170, 250, (9, 9, 3)).astype(np.uint8)
            picture = cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC)
            cv2.circle(picture, (32, 32), 14, colour, -1)
            cv2.imwrite(str(tmp_path / "cells" / label / f"{number}.png"), picture)
    return tmp_path / "cells"


def points(page: Page) -> int:
    """Epochs on the loss plot, as the browser has drawn them."""
    return int(
        page.evaluate(
            """() => {
                const plot = document.querySelector('.st-key-losses .js-plotly-plot');
                return plot && plot._fullData.length ? plot._fullData[0].x.length : 0;
            }"""
        )
    )


def wait_for_points(page: Page, more_than: int) -> int:
    page.wait_for_function(
        """(n) => {
            const plot = document.querySelector('.st-key-losses .js-plotly-plot');
            return plot && plot._fullData.length && plot._fullData[0].x.length > n;
        }""",
        arg=more_than,
        timeout=WORKER_MS,
    )
    return points(page)


def set_number(page: Page, name: str, value: str) -> None:
    box = page.get_by_role("textbox", name=name, exact=True)
    box.fill(value)
    box.press("Enter")
    idle = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(300)  # until the page has begun to answer
    expect(idle).to_be_attached()
    expect(box).to_have_value(value)


def open_screen(page: Page) -> None:
    page.get_by_role("button", name="Learn").click()
    page.get_by_role("menuitem", name="Fine-tune").click()
    expect(page.get_by_role("heading", name="Fine-tune")).to_be_visible()


def test_train_kill_resume_and_keep_the_best(page: Page, cells: Path) -> None:
    home = page.url
    open_screen(page)
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_disabled()

    page.get_by_text("ZIP", exact=True).click()
    sent = shutil.make_archive(str(cells), "zip", cells)
    page.locator("input[type=file]").set_input_files(sent)
    expect(page.get_by_text("30 pictures of 2 kinds")).to_be_visible()
    page.get_by_text("Details").click()
    set_number(page, "Epochs", "0")
    expect(page.get_by_text("Epochs must be from 1 to 10000, got 0")).to_be_visible()
    expect(start).to_be_disabled()
    set_number(page, "Epochs", "4000")
    set_number(page, "Patience", "4000")
    set_number(page, "Loader processes", "0")
    expect(page.get_by_role("textbox", name="Patience", exact=True)).to_have_value("4000")
    expect(start).to_be_enabled()
    start.click()

    # The plot grows by itself: nothing is pressed and nothing is loaded again.
    seen = wait_for_points(page, 0)
    seen = wait_for_points(page, seen)
    expect(page.get_by_text("naive: always the most frequent class").first).to_be_visible()
    run = lifecycle.book().all()[0]
    process = lifecycle.book().get(run.id).process
    assert run.state == "running" and process is not None

    os.kill(process, signal.SIGKILL)
    expect(page.get_by_text("The run was lost")).to_be_visible(timeout=WORKER_MS)
    page.goto(home)  # another session: everything it shows comes from the database
    open_screen(page)
    expect(page.get_by_text("The run was lost")).to_be_visible()
    lost_at = wait_for_points(page, 0)
    page.get_by_role("button", name="Resume").click()
    assert wait_for_points(page, lost_at) > lost_at

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_enabled(timeout=WORKER_MS)
    assert not lifecycle.is_held(lifecycle.book().get(run.id))
    page.get_by_role("button", name="Stop and keep the best").click()
    kept = page.get_by_text("stopped, best kept", exact=True)
    expect(kept).to_be_visible(timeout=WORKER_MS)
    expect(page.get_by_text("Its model: ")).to_be_visible()
    expect(page.get_by_text("What it gets most wrong")).to_have_count(
        int(bool(wrong_examples.read(lifecycle.folder_of(run))[1]))  # type: ignore[index]
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert rows[0].startswith("run,epoch,train_loss,")
    assert [row.split(",")[1] for row in rows[1:]] == [str(n) for n in range(1, len(rows))]
