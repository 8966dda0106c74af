"""What a figure means: how it is made, how good it is, when not to trust it. One catalogue.

How good stands in the card of the model that made it and is read from there, never typed here.
"""

from typing import Final, Literal, NamedTuple

import streamlit as st

from core.models import registry
from core.models.registry import Task
from core.models.weights import WeightsRefused
from pages.parts.train import model_card
from pages.parts.wording import plain

Figure = Literal["count", "class", "differential", "blood_count", "palm"]


class Meaning(NamedTuple):
    """Words for one figure; ``tasks`` are the models whose cards say how good it is."""

    title: str
    made: str
    not_when: str
    tasks: tuple[Task, ...]


MEANINGS: Final[dict[Figure, Meaning]] = {
    "count": Meaning(
        "The counts of a field",
        "A network marks every cell it finds; the boxes are counted by the rule chosen above them. "
        "A second network counts without boxes, and is shown beside the first. The interval is "
        "where the true number lay in nine of ten fields that it was fitted on.",
        "The field is out of focus, very bright or dark, or thick with overlapping cells; the two "
        "counts are marked *check*; the picture is no field at the usual objective.",
        ("locator", "counts"),
    ),
    "class": Meaning(
        "The class of a white cell",
        "A network compares the cell with those it has learnt and names the likeliest class. Where "
        "others fit nearly as well they are listed; where none fits, it says *check*.",
        "The stain, camera or preparation differs from those below and no lab acceptance was "
        "signed; a band is told from a segmented neutrophil; a blast or another rare cell is "
        "asked about: few were there to learn from.",
        ("wbc",),
    ),
    "differential": Meaning(
        "The differential",
        "Every white cell of the fields that count is given to its class; each share stands with "
        "the exact 95 % interval of its count (Clopper and Pearson).",
        "Few cells were counted: the interval is then wide. It says how far chance could be off, "
        "and nothing of wrong classes. Cells marked *check* are in it until somebody names them.",
        ("wbc",),
    ),
    "blood_count": Meaning(
        "Cells per microlitre",
        "Counts of fields are multiplied by what this site's calibration says, or taken by their "
        "ratio to the red count that an analyser measured.",
        "There is no calibration of this objective and camera, fields were chosen where cells are "
        "many, or platelets lie in clumps.",
        ("locator",),
    ),
    "palm": Meaning(
        "The hint from a palm",
        "The palm is found in the photo, its colour is brought to one light, and a network gives "
        "one number; between two limits it says *refer*.",
        "Always, for ruling anemia out. Coloured light, make-up, henna, cold or wet hands and skin "
        "that is unlike that of the photos learnt from make it worse. A blood test decides.",
        ("palm",),
    ),
}


def draw(figure: Figure) -> None:
    """A button beside a figure that opens what it means."""
    with st.popover(
        "What does this mean", icon=":material/help:", type="tertiary", key=f"meaning_{figure}"
    ):
        st.markdown(words(figure))
        st.page_link("pages/help.py", label="Help has the other words")


def words(figure: Figure) -> str:
    """The whole text, as Markdown."""
    meaning = MEANINGS[figure]
    return (
        f"**{meaning.title}**\n\n**How it is made.** {meaning.made}\n\n"
        f"**How good.** {_how_good(meaning.tasks)}\n\n"
        f"**When not to trust it.** {meaning.not_when}\n\n"
        "Research use: a qualified person decides."
    )


def _how_good(tasks: tuple[Task, ...]) -> str:
    said = []
    for task in tasks:
        try:
            card = registry.live(task).card
        except WeightsRefused:
            said.append(f"{model_card.TASKS[task]}: there is no model")
            continue
        said.append(
            f"{model_card.TASKS[task]}: {plain(model_card.figures(card) or 'not measured')}"
        )
    return ". ".join(said) + "."
