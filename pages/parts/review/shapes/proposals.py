"""What the shapes of the red cells propose, beside the reader's own grades."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from core.access.people import Person
from core.review.case import cases
from core.review.case.cases import Case
from core.review.reading.cells import ReviewCell, cells
from core.review.reading.grade_terms import GRADES
from core.review.reading.grades import Grade
from core.review.reading.red_cells.summary import red_cells_of_case
from core.review.record.review_store import review_store
from core.slide.red_cells.summary import RedCells
from core.slide.red_cells.terms import SHAPE_OF, title_of
from pages.parts.review.shapes import grid
from pages.parts.smear.red_cells_tab import basis, share_words
from pages.parts.wording import several

_OPEN: Final = "review_shape_open"
_DIFFERING: Final = "readers_differ"

Save = Callable[[int, str, int, int], None]
"""Case, term, grade, revision."""


class Proposals:
    """The proposals of one case; without a model of shapes there are none and nothing is drawn."""

    def __init__(self, who: Person, case: Case) -> None:
        self._who, self._case = who, case
        self._cells: Sequence[ReviewCell] = cells(review_store(), who, case.id, kind="rbc")
        pictures = cases.case_pictures_of(review_store(), who, case.id)
        self._found: RedCells | None = red_cells_of_case(self._cells, pictures)

    @property
    def are_there(self) -> bool:
        """Were shapes of red cells asked for in this case."""
        return self._found is not None

    @property
    def abnormal(self) -> tuple[str, ...]:
        """Terms for which a grade above 0 is proposed."""
        if self._found is None:
            return ()
        return tuple(term for term, one in self._found.grades.items() if one.grade)

    def draw_head(self, closed: str) -> None:
        """What the proposals rest on, and the grid of the finding that was opened."""
        if self._found is None:
            return
        st.markdown(
            f"**Shapes by the program**: {basis(self._found)}  \n:small[A proposal is no grade "
            "until a reader gives it. Research use: a qualified person decides.]"
        )
        different = grid.differing(self._cells)
        if different:
            st.button(
                f"{several(len(different), 'cell')} to which the readers gave different shapes",
                key="shape_cells_differing",
                icon=":material/compare:",
                on_click=_open,
                args=(self._case.id, _DIFFERING),
            )
        opened = st.session_state.get(_OPEN)
        if not opened or opened[0] != self._case.id:
            return
        with st.container(border=True, key="shape_grid_box"):
            head, act = st.columns([8, 2], vertical_alignment="center")
            title, found = self._opened(opened[1])
            head.markdown(title)
            act.button(
                "Close the cells",
                key="shape_grid_close",
                icon=":material/close:",
                width="stretch",
                on_click=_shut,
            )
            grid.draw(self._who, self._case, found, opened[1], closed)

    def _opened(self, term: str) -> tuple[str, Sequence[ReviewCell]]:
        """Title and cells of the grid that is open."""
        if self._found is None or term == _DIFFERING:
            return "**Cells to which the two readers gave different shapes**", grid.differing(
                self._cells
            )
        shape = SHAPE_OF[term]
        row = self._found.shares.of(shape)
        title = (
            f"**Cells called {title_of(shape).lower()}**: {row.cells:,} of "
            f"{self._found.shares.judged:,} judged, {share_words(row)}"
        )
        return title, grid.behind(self._cells, shape)

    def draw_at(self, term: str, given: Grade | None, closed: str, save: Save) -> None:
        """Under a term: the proposed grade, the cells behind it, and to confirm it."""
        if self._found is None or term not in self._found.grades:
            return
        one = self._found.grades[term]
        grade = "too few cells" if one.grade is None else f"{one.grade} {GRADES[one.grade]}"
        mine = given.grade if given else None
        mark = ""
        if one.grade is not None and mine is not None and mine != one.grade:
            mark = " :orange-badge[differs]"
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"proposed_{term}"
        ):
            st.markdown(
                f":small[Proposed **{grade}**, {share_words(one.share)}]{mark}", width="content"
            )
            if grid.behind(self._cells, one.share.shape):
                st.button(
                    "Cells",
                    key=f"shape_cells_{term}",
                    type="tertiary",
                    on_click=_open,
                    args=(self._case.id, term),
                )
            if one.grade is not None and mine is None and not closed:
                st.button(
                    "Confirm",
                    key=f"shape_confirm_{term}",
                    type="tertiary",
                    on_click=save,
                    args=(self._case.id, term, one.grade, given.revision if given else 0),
                )


def _open(case_id: int, term: str) -> None:
    st.session_state[_OPEN] = (case_id, term)


def _shut() -> None:
    st.session_state.pop(_OPEN, None)
