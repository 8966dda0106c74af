"""From which haemoglobin on a person counts as anemic, by sex and age.

Source: ``paper`` are the lower ends of the normal ranges in Rizal et al. 2022 (women 12-16, men
14-18, newborn 14-20 g/dL); ``who`` is WHO's guideline of 2024 on haemoglobin cutoffs, at sea level
and without pregnancy.
"""

from typing import Literal

Limits = Literal["paper", "who"]

_NEWBORN_YEARS = 28 / 365

_WHO_CHILDREN = ((2.0, 10.5), (5.0, 11.0), (12.0, 11.5), (15.0, 12.0))
"""Below this age in years -> g/dL, from six months on."""


def limit_g_dl(age_years: float | None, sex: str | None, limits: Limits) -> float | None:
    """Haemoglobin below which there is anemia, g/dL; None where sex or age would decide and is
    not known, or the source names none.

    Raises:
        ValueError: for limits other than ``paper`` and ``who``, or a negative age.
    """
    if limits not in ("paper", "who"):
        raise ValueError(f"limits must be paper or who, got {limits!r}")
    if age_years is not None and age_years < 0:
        raise ValueError(f"an age cannot be negative, got {age_years:g}")
    adult = {"female": 12.0, "male": 14.0 if limits == "paper" else 13.0}.get(sex or "")
    if limits == "paper":
        return 14.0 if age_years is not None and age_years <= _NEWBORN_YEARS else adult
    if age_years is None:
        return adult
    if age_years < 0.5:
        return None
    return next((limit for below, limit in _WHO_CHILDREN if age_years < below), adult)


def is_anemic(
    haemoglobin_g_dl: float | None, age_years: float | None, sex: str | None, limits: Limits
) -> bool | None:
    """Is this haemoglobin below the limit; None where that cannot be said."""
    limit = limit_g_dl(age_years, sex, limits)
    return None if haemoglobin_g_dl is None or limit is None else haemoglobin_g_dl < limit
