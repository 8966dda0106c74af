"""What is said of a palm: the same words on the screen, in the terminal, in files and in reports.

While the photos that were locked away do not exclude chance, what a person is told is whether the
photo is good enough and to ask for a blood test; the model's answer is named a research result.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

BLOOD_TEST: Final = "Where anemia is possible, ask for a blood test."
DECISIONS: Final[Mapping[str, str]] = {
    "anemia_suspected": "anemia suspected",
    "not_suspected": "anemia not suspected",
    "refer": "refer, no verdict",
}
"""The words of each decision of the palm command's JSON."""

SHORT: Final[Mapping[str, str]] = {
    "anemia_suspected": "suspected",
    "not_suspected": "not suspected",
    "refer": "refer",
}
"""The same where the heading already says that it is about anemia."""

RESEARCH: Final = "Research result, not shown to be better than chance"
CANNOT_BE_JUDGED: Final = "This photo cannot be judged."
GOOD_PHOTO: Final = "The photo is good enough to be read."
NO_MEASUREMENT: Final = "A photograph does not measure hemoglobin."


def sentences(call: Mapping[str, Any], spoilt: bool) -> list[str]:
    """What a report or the terminal says of a palm.

    Args:
        call: the palm command's JSON. Without ``research_result`` (kept before that was noted) it
            is taken for one; without ``prevalence`` none is said.
        spoilt: does the photo carry a flag that takes the meaning out of the probability.
    """
    if spoilt:
        return [CANNOT_BE_JUDGED, BLOOD_TEST]
    answer = f"{DECISIONS.get(str(call.get('decision')), 'not determined')}{_probability(call)}"
    if call.get("research_result", True):
        return [GOOD_PHOTO, BLOOD_TEST, f"{RESEARCH}: {answer}."]
    return [f"{answer[0].upper()}{answer[1:]}.", BLOOD_TEST]


def _probability(call: Mapping[str, Any]) -> str:
    ends: Sequence[Any] = [call.get(name) for name in ("anemia_probability", "low", "high")]
    if not all(isinstance(end, int | float) for end in ends):
        return ""
    value, low, high = (100 * float(end) for end in ends)
    words = f"; {value:.0f} % ({low:.0f} to {high:.0f}) of those with such a palm have anemia"
    prevalence = call.get("prevalence")
    if isinstance(prevalence, int | float):
        words += f" where {100 * prevalence:.0f} % of all people like this have it"
    return words
