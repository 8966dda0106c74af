"""The sheets every PDF of this program is printed on: head, foot, letters, draft mark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace
from PIL import Image

from core.records import RgbImage
from core.review.exchange import letters
from core.review.exchange.letters import NotPrintable
from core.review.exchange.report_page import Bar
from core.settings import Settings
from core.settings import settings as app_settings
from core.slide.tables import disclaimer

ACCENT: Final = (0, 114, 178)
GREY: Final = (93, 97, 107)
RULE: Final = (208, 211, 217)
CRITICAL: Final = (204, 51, 17)
_MARGIN_MM: Final = 16.0
_LOGO_MM: Final = (42.0, 16.0)
_WORDS_LINE_MM: Final = 2.8
"""Height of a line of the words below a small picture."""


class Paper(FPDF):
    """A document on the site's paper that knows its laboratory.

    Args:
        title: words at the top right of the first page and in the file's properties.
        reference: what every page's foot repeats, so that loose sheets find together.
        settings: name, address, logo and font of the laboratory.
        draft: prints DRAFT across every page.
        made_at: moment in the file's properties; the same moment gives the same bytes.

    Raises:
        NotPrintable: if no font is installed.
    """

    def __init__(
        self, title: str, reference: str, settings: Settings, *, draft: bool, made_at: datetime
    ) -> None:
        super().__init__(format=settings.report_paper)
        self._title, self._reference, self._settings, self._draft = (
            title,
            reference,
            settings,
            draft,
        )
        self._fonts = letters.fonts_of(settings.report_font)
        self._fallback: list[str] = []
        self._use_fonts()
        self.set_margin(_MARGIN_MM)
        self.set_auto_page_break(True, margin=22)
        self.set_title(title)
        self.set_creator("Hemadesk")
        self.set_creation_date(made_at)
        self.add_page()

    def _use_fonts(self) -> None:
        """Load the main font; those of other scripts wait until a text needs them."""
        for name, regular in self._fonts.items():
            try:
                self.add_font(name, "", regular)
                self.add_font(name, "B", letters.bold_of(regular))
            except Exception:  # fontTools raises many things on a file that is no font
                continue
            self._family = name
            return
        raise NotPrintable(
            "The report cannot be printed: the font DejaVu Sans is not installed (it comes with "
            "the package matplotlib)."
        )

    def shown(self, text: str) -> str:
        """The text without control characters, with the fonts loaded that it needs.

        Raises:
            NotPrintable: if no font has one of its characters.
        """
        text = letters.plain(text)
        for name in letters.fonts_needed(text, self._fonts):
            if name not in (self._family, *self._fallback):
                for style in ("", "B"):
                    self.add_font(name, style, self._fonts[name])
                self._fallback.append(name)
                self.set_fallback_fonts(self._fallback)
        if letters.runs_right_to_left(text):
            # Joins and orders the letters. Off otherwise: it changes the order in which a reader
            # program finds the marks of Thai.
            self.set_text_shaping(True)
        return text

    def header(self) -> None:
        if self._draft or app_settings().is_demo:
            self._watermark("DEMO" if app_settings().is_demo else "DRAFT")
        self.set_y(10)
        if self.page_no() > 1:
            self.small(f"{self._title}  {self._reference}")
            self.rule()
            return
        left = self._logo()
        width = self.epw - left
        self.set_x(self.l_margin + left)
        self.font(12, bold=True)
        self.cell(width * 0.62, 6, self.shown(self._settings.laboratory))
        self.font(12, bold=True)
        self.cell(width * 0.38, 6, self.shown(self._title), align="R", new_x=XPos.LMARGIN,
                  new_y=YPos.NEXT)  # fmt: skip
        for line in filter(None, self._settings.laboratory_address.split("|")):
            self.set_x(self.l_margin + left)
            self.font(8, colour=GREY)
            self.cell(width, 4, self.shown(line.strip()), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_y(max(self.get_y() + 1, 10 + (_LOGO_MM[1] + 1 if left else 0)))
        self.rule()

    def footer(self) -> None:
        self.set_y(-15)
        self.rule()
        self.font(7.5, colour=GREY)
        self.cell(self.epw * 0.8, 4, self.shown(f"{disclaimer()}  {self._reference}"))
        self.cell(self.epw * 0.2, 4, f"Page {self.page_no()} of {{nb}}", align="R")

    def _logo(self) -> float:
        """Print the logo; returns the width it takes, 0 without one."""
        file = self._settings.laboratory_logo
        if file is None or not file.is_file():
            return 0.0
        try:
            with Image.open(file, formats=("PNG", "JPEG")) as image:
                width, height = image.size
                scale = min(_LOGO_MM[0] / width, _LOGO_MM[1] / height)
                self.image(image.copy(), self.l_margin, 10, width * scale, height * scale)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return 0.0  # a report is worth more than its logo
        return width * scale + 5

    def _watermark(self, word: str) -> None:
        x, y = self.w / 2, self.h / 2
        self.font(90, bold=True, colour=(232, 232, 236))
        with self.rotation(50, x, y):
            self.text(x - self.get_string_width(word) / 2, y + 15, word)

    def font(
        self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = (17, 19, 24)
    ) -> None:
        """Letters from here on; size in points."""
        self.set_font(self._family, "B" if bold else "", size)
        self.set_text_color(*colour)

    def rule(self) -> None:
        """A thin line over the width."""
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.ln(2)

    def heading(self, text: str) -> None:
        """A section's title; never alone at the foot of a page."""
        if self.will_page_break(24):
            self.add_page()
        self.ln(2)
        self.font(11, bold=True, colour=ACCENT)
        self.cell(0, 6, self.shown(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(0.5)

    def say(
        self,
        text: str,
        *,
        size: float = 9.5,
        bold: bool = False,
        colour: tuple[int, int, int] = (17, 19, 24),
    ) -> None:
        """A paragraph."""
        self.font(size, bold=bold, colour=colour)
        self.multi_cell(
            0, size * 0.5, self.shown(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def small(self, text: str) -> None:
        """A paragraph in small grey letters."""
        self.say(text, size=8, colour=GREY)

    def facts(self, pairs: Sequence[tuple[str, str]], columns: int = 2) -> None:
        """Names and values side by side, name small above its value."""
        width = self.epw / columns
        for start in range(0, len(pairs), columns):
            row = pairs[start : start + columns]
            if self.will_page_break(10):
                self.add_page()
            top, deepest = self.get_y(), self.get_y()
            for place, (name, value) in enumerate(row):
                self.set_xy(self.l_margin + place * width, top)
                self.font(7.5, colour=GREY)
                self.cell(width, 3.5, self.shown(name), new_x=XPos.LEFT, new_y=YPos.NEXT)
                self.font(9.5)
                self.multi_cell(width - 4, 4.6, self.shown(value or "not given"), align="L",
                                new_x=XPos.LEFT, new_y=YPos.NEXT)  # fmt: skip
                deepest = max(deepest, self.get_y())
            self.set_xy(self.l_margin, deepest + 1)

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
        self.font(8.5)
        self.set_draw_color(*RULE)
        align = tuple("RIGHT" if place in numbers else "LEFT" for place in range(len(head)))
        strong = FontFace(emphasis="BOLD")
        with self.table(
            col_widths=tuple(widths),
            text_align=align,
            borders_layout="HORIZONTAL_LINES",
            line_height=4.6,
            padding=(0.4, 1),
            headings_style=FontFace(emphasis="BOLD", color=GREY),
        ) as table:
            heads = table.row()
            for word in head:
                heads.cell(self.shown(word))
            for number, values in enumerate(rows):
                line = table.row(style=strong if number in emphasised else None)
                for value in values:
                    line.cell(self.shown(value))
        self.ln(1)

    def cells(
        self, crops: Sequence[tuple[RgbImage, str]], per_row: int, *, words_mm: float = 9.0
    ) -> None:
        """Small pictures with their words, ``per_row`` side by side.

        Args:
            crops: pictures, each with its words.
            per_row: how many stand side by side.
            words_mm: height left for the words below each.
        """
        side = (self.epw - 2 * self.c_margin - 2 * (per_row - 1)) / per_row
        most_lines = int(words_mm / _WORDS_LINE_MM)
        self.ln(1.5)
        top = self.get_y()
        for start in range(0, len(crops), per_row):
            row = [(Image.fromarray(crop), words) for crop, words in crops[start : start + per_row]]
            scales = [side / max(image.size) for image, _ in row]
            height = max(
                image.height * scale for (image, _), scale in zip(row, scales, strict=True)
            )
            if top + height + words_mm > self.page_break_trigger:
                self.add_page()
                top = self.get_y()
            for column, ((image, words), scale) in enumerate(zip(row, scales, strict=True)):
                x = self.l_margin + self.c_margin + column * (side + 2)
                self.image(image, x, top, image.width * scale, image.height * scale)
                self.set_xy(x - self.c_margin, top + height + 0.6)
                self.font(6.5)
                # Longer words would break the page in the middle of a row.
                lines = cast(
                    list[str],
                    self.multi_cell(
                        side, _WORDS_LINE_MM, self.shown(words), dry_run=True, output="LINES"
                    ),
                )
                text = "\n".join(lines[:most_lines])
                self.multi_cell(side, _WORDS_LINE_MM, text, align="L")
            top += height + words_mm
        self.set_xy(self.l_margin, top)

    def bars(self, rows: Sequence[Bar]) -> None:
        """Bars from 0 to 100 percent, with the interval as a line and what is usual in grey."""
        names_mm, row_mm = 38.0, 4.4
        width = self.epw - names_mm - 2
        for row in rows:
            if self.will_page_break(row_mm):
                self.add_page()
            left, top = self.l_margin + names_mm, self.get_y()
            self.font(7.5)
            self.cell(names_mm, row_mm, self.shown(row.name))
            # A fill colour that stays would fill the tables that follow.
            if row.usual:
                low, high = (width * limit / 100 for limit in row.usual)
                with self.local_context(fill_color=RULE):
                    self.rect(left + low, top + 0.7, high - low, row_mm - 1.4, style="F")
            with self.local_context(fill_color=ACCENT):
                self.rect(left, top + 1.5, width * row.percent / 100, row_mm - 3.0, style="F")
            self.set_draw_color(17, 19, 24)
            self.set_line_width(0.25)
            middle = top + row_mm / 2
            self.line(left + width * row.low / 100, middle, left + width * row.high / 100, middle)
            self.set_xy(self.l_margin, top + row_mm)
        self.ln(1)

    def done(self) -> bytes:
        """The file."""
        return bytes(self.output())
