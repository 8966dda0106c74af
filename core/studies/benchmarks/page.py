"""What the page costs beside the command line: processor seconds of the server for one folder.

The real app answers a real browser. Both analyse the same drawn fields on the same machine, one
after the other, so their ratio says more than either number: processor seconds grow with what else
the machine does. The time of the browser is not in them.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.imaging import synthetic
from core.settings import ROOT
from core.studies.benchmarks.screens import at_rest, chromium, served_process

_WAIT_MS: Final = 600_000
_CLICKS: Final = 6


@dataclass(frozen=True)
class PageCost:
    """Processor seconds for ``fields`` fields.

    ``page`` and ``command`` are of the fields alone: a first field, which loads models, is counted
    in neither. ``click_ms`` is the server's for one click on another thumbnail.
    """

    fields: int
    page: float
    command: float
    click_ms: float

    @property
    def ratio(self) -> float:
        return self.page / self.command


def measure_page(fields: int = 200, report: Callable[[str], None] = lambda _: None) -> PageCost:
    """Analyse drawn fields by the command line and in a page.

    Args:
        fields: how many, at least 2.
        report: told what is being done.

    Raises:
        NoBrowser: without Chromium or playwright.
    """
    with chromium() as browser, tempfile.TemporaryDirectory(prefix="hemadesk-page-") as name:
        report(f"drawing {fields + 1} fields")
        first, *others = _draw(Path(name) / "fields", fields + 1)
        report("the command line")
        command = _command([first, *others]) - _command([first])
        with served_process(Path(name)) as (address, server):
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.set_default_timeout(_WAIT_MS)
            page.goto(f"{address}/analyse_smear")
            _send(page, [first], 1)
            page.get_by_role("button", name="Start over").click()
            page.get_by_text("No picture at hand?").wait_for()
            at_rest(page)
            report("the page")
            before = cpu_seconds(server.pid)
            _send(page, others, fields)
            spent = cpu_seconds(server.pid) - before
            report(f"page {spent:.1f} CPU s, command line {command:.1f}; now clicks")
            clicks = _click(page, server.pid)
    return PageCost(fields, spent, command, clicks)


def cpu_seconds(process: int) -> float:
    """Processor seconds of a process and all its children, ended ones too (Linux)."""
    rows = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in brackets may hold spaces; what follows does not.
            rows[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
    family, grown = {process}, True
    while grown:
        more = {pid for pid, row in rows.items() if int(row[1]) in family} - family
        family, grown = family | more, bool(more)
    ticks = sum(sum(map(int, rows[pid][11:15])) for pid in family if pid in rows)
    return float(ticks / os.sysconf("SC_CLK_TCK"))


def _draw(folder: Path, number: int) -> list[Path]:
    folder.mkdir()
    files = []
    for seed in range(number):
        field = synthetic.draw(seed, width=640, height=480).field
        files.append(folder / f"{seed:05d}.png")
        files[-1].write_bytes(synthetic.png_bytes(field))
    return files


def _command(files: list[Path]) -> float:
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "core", "analyse", *map(str, files), "--json"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    after = os.times()
    return (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )


# Any: playwright is there only where this is run.
def _send(page: Any, files: list[Path], number: int) -> None:
    page.locator("input[type=file]").first.set_input_files([str(file) for file in files])
    label = f"Analyse {number} field" + ("s" if number > 1 else "")
    page.get_by_role("button", name=label, exact=True).click()
    page.get_by_role("button", name="Start over").wait_for()
    at_rest(page)


def _click(page: Any, server: int) -> float:
    """Milliseconds of the server for one click on a thumbnail's button, the mean of some."""
    tiles = page.locator(".st-key-filmstrip button:is([kind=primary], [kind=secondary]):visible")
    before = cpu_seconds(server)
    for number in range(_CLICKS):
        tiles.nth(number % 2 + 1).click()
        page.wait_for_timeout(300)
        at_rest(page)
    return 1000 * (cpu_seconds(server) - before) / _CLICKS
