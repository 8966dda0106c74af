"""The report of a case as a page of HTML, to be read on the screen before it is signed.

It is written by the same functions as the PDF, so that both say the same.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Protocol

from core.imaging.view import jpeg
from core.records import RgbImage
from core.slide.tables import disclaimer

Colour = tuple[int, int, int]
INK: Final[Colour] = (17, 19, 24)


@dataclass(frozen=True)
class Bar:
    """A share of a differential as a bar: percent, its interval, and what is usual, if known."""

    name: str
    percent: float
    low: float
    high: float
    usual: tuple[float, float] | None = None


class ReportForm(Protocol):
    """What a report is written on: the PDF's sheets, or the screen's page."""

    def heading(self, text: str) -> None: ...

    def say(
        self, text: str, *, size: float = 9.5, bold: bool = False, colour: Colour = INK
    ) -> None: ...

    def small(self, text: str) -> None: ...

    def facts(self, pairs: Sequence[tuple[str, str]], columns: int = 2) -> None: ...

    def grid(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        *,
        numbers: Sequence[int] = (),
        emphasised: Sequence[int] = (),
    ) -> None: ...

    def cells(self, crops: Sequence[tuple[RgbImage, str]], per_row: int) -> None: ...

    def bars(self, rows: Sequence[Bar]) -> None: ...


class ReportPage:
    """HTML for one page on the screen; every text is escaped."""

    def __init__(self, title: str, reference: str, laboratory: str, *, draft: bool) -> None:
        mark = " <b>DRAFT</b>" if draft else ""
        self._parts = [f"<p class=head><b>{escape(laboratory)}</b> {escape(title)}{mark}</p>"]
        self._reference = reference

    def heading(self, text: str) -> None:
        """A section's title."""
        self._parts.append(f"<h3>{escape(text)}</h3>")

    def say(
        self, text: str, *, size: float = 9.5, bold: bool = False, colour: Colour = INK
    ) -> None:
        """A paragraph in ``colour``, or in the usual ink."""
        style = f"font-size:{size / 9.5:.2f}em"
        style += "" if colour == INK else ";color:#{:02x}{:02x}{:02x}".format(*colour)
        style += ";font-weight:600" if bold else ""
        self._parts.append(f'<p style="{style}">{escape(text)}</p>')

    def small(self, text: str) -> None:
        """A paragraph in small grey letters."""
        self._parts.append(f"<p class=small>{escape(text)}</p>")

    def facts(self, pairs: Sequence[tuple[str, str]], columns: int = 2) -> None:
        """Names and values side by side, name small above its value."""
        inside = "".join(
            f"<div><span class=small>{escape(name)}</span><br>{escape(value or 'not given')}</div>"
            for name, value in pairs
        )
        self._parts.append(
            f'<div class=facts style="grid-template-columns:repeat({columns},1fr)">{inside}</div>'
        )

    def grid(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        *,
        numbers: Sequence[int] = (),
        emphasised: Sequence[int] = (),
    ) -> None:
        """A table; ``numbers`` are the columns set to the right, ``emphasised`` the bold rows."""

        def line(values: Sequence[str], tag: str, strong: bool) -> str:
            cells = "".join(
                f"<{tag}{' class=n' if place in numbers else ''}>"
                # Leading spaces set a part of a class in under it.
                f"{'&emsp;' if value.startswith(' ') else ''}{escape(value)}</{tag}>"
                for place, value in enumerate(values)
            )
            return f"<tr{' class=strong' if strong else ''}>{cells}</tr>"

        body = "".join(line(row, "td", n in emphasised) for n, row in enumerate(rows))
        self._parts.append(f"<table>{line(head, 'th', False)}{body}</table>")

    def cells(self, crops: Sequence[tuple[RgbImage, str]], per_row: int) -> None:
        """Pictures of cells with their words."""
        inside = "".join(
            f'<figure><img alt="{escape(words)}" '
            f'src="data:image/jpeg;base64,{b64encode(jpeg(crop)).decode("ascii")}">'
            f"<figcaption>{escape(words)}</figcaption></figure>"
            for crop, words in crops
        )
        self._parts.append(
            f'<div class=cells style="grid-template-columns:repeat({per_row},1fr)">{inside}</div>'
        )

    def bars(self, rows: Sequence[Bar]) -> None:
        """Bars from 0 to 100 percent, with the interval as a line and what is usual in grey."""
        inside = "".join(
            f"<div>{escape(row.name)}</div><div class=track>"
            + (f"<i class=usual style='{_span(*row.usual)}'></i>" if row.usual else "")
            + f"<i class=bar style='width:{row.percent:.2f}%'></i>"
            f"<i class=limits style='{_span(row.low, row.high)}'></i></div>"
            for row in rows
        )
        self._parts.append(f"<div class=bars>{inside}</div>")

    def done(self) -> str:
        """The page, in an element of its own class."""
        foot = f"<p class=small>{escape(disclaimer())} {escape(self._reference)}</p>"
        return f"<style>{_STYLE}</style><div class=report>{''.join(self._parts)}{foot}</div>"


def _span(low: float, high: float) -> str:
    return f"left:{low:.2f}%;width:{max(high - low, 0.3):.2f}%"


_STYLE: Final = """
.report{background:#fff;color:#111318;padding:14px 18px;border:1px solid #d0d3d9;
  border-radius:4px;font-size:13px;line-height:1.4;overflow-wrap:anywhere}
.report .head{border-bottom:1px solid #d0d3d9;padding-bottom:6px;margin:0 0 8px}
.report .head b:last-child{color:#cc3311}
.report h3{color:#0072b2;font-size:14px;margin:10px 0 2px;padding:0}
.report p{margin:2px 0;font-size:inherit}
.report .small{color:#5d616b;font-size:.86em}
.report .facts{display:grid;gap:4px 10px;margin:2px 0 4px}
.report table{width:100%;border-collapse:collapse;font-size:.92em;margin:2px 0}
.report th,.report td{border:0;border-bottom:1px solid #d0d3d9;padding:1px 4px;text-align:left}
.report th{color:#5d616b}
.report .n{text-align:right}
.report .strong td{font-weight:600}
.report .cells{display:grid;gap:6px;margin:4px 0}
.report .bars{display:grid;grid-template-columns:11em 1fr;gap:1px 8px;font-size:.86em;margin:4px 0}
.report .track{position:relative;height:13px}
.report .track i{position:absolute;top:2px;height:9px}
.report .usual{background:#d9dce2}
.report .bar{left:0;background:#0072b2;opacity:.85;top:4px!important;height:5px!important}
.report .limits{border-top:1px solid #111318;top:6px!important;height:0!important}
.report figure{margin:0}
.report img{width:100%;border-radius:2px}
.report figcaption{font-size:.75em;line-height:1.2}
"""
