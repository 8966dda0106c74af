"""From pictures and results to a signed acceptance that says which limits are met."""

import io
from functools import partial

import numpy as np
import pytest
from pypdf import PdfReader

from core.access.rights import NotAllowed
from core.imaging import synthetic
from core.inference.batch import Source
from core.models import registry
from core.review.acceptance.limits import (
    SUGGESTED,
    Limit,
    accepted,
    figure_title,
    judged,
)
from core.review.acceptance.measure import from_json, measure
from core.review.acceptance.records import every, sign
from core.review.acceptance.report import acceptance_report
from core.review.acceptance.results import read_results
from core.review.acceptance.status import acceptances_in
from core.review.record.errors import CaseRefused
from core.review.record.integrity import verify
from core.settings import Settings
from core.statistics.bland_altman import bland_altman


@pytest.fixture(scope="module")
def drawn():
    return [
        synthetic.draw(200 + n, width=400, height=300, wbc=["lymphocyte", "monocyte"], platelets=1)
        for n in range(4)
    ]


def returned(field):
    return field


@pytest.fixture(scope="module")
def measured(drawn):
    """Four drawn fields of two slides; the truth is what they were drawn with."""
    sources, rows, cells = [], ["file,slide,rbc,wbc"], ["file,class,x0,y0,x1,y1"]
    for n, item in enumerate(drawn):
        name = item.field.name
        sources.append(Source(name, partial(returned, item.field)))
        kinds = [cell.kind for cell in item.cells]
        rows.append(f"{name},slide {n % 2},{kinds.count('rbc')},{kinds.count('wbc')}")
        cells += [
            f"{name},{cell.label}," + ",".join(f"{v:.1f}" for v in cell.box_xyxy_px)
            for cell in item.cells
            if cell.kind == "wbc"
        ]

    def broken():
        from core.imaging.read import ImageRefused

        raise ImageRefused("x.png", "empty", "x.png is empty.")

    sources.append(Source("x.png", broken))
    shares = "slide,lymphocyte,monocyte\nslide 0,50,50\nslide 1,50,50\nslide 9,1,1\n"
    results = read_results(
        [
            ("counts.csv", "\n".join(rows).encode()),
            ("cells.csv", "\n".join(cells).encode()),
            ("shares.csv", shares.encode()),
        ]
    )
    return measure(sources, results, registry.smear_models())


def test_everything_is_compared_with_the_laboratorys_results(drawn, measured):
    assert (measured.fields, measured.slides) == (4, 2)
    assert measured.refused == ("x.png is empty.",)
    assert measured.unmatched == ("slide 9",)
    pairs = measured.numbers["rbc"]
    truth = [sum(cell.kind == "rbc" for cell in item.cells) for item in drawn]
    assert pairs["reference"] == truth
    assert measured.figures["bias_rbc"]["value"] == pytest.approx(
        bland_altman(truth, pairs["other"]).bias
    )
    assert len(measured.labels) + measured.not_found == 8
    right = sum(one == other for one, other in measured.labels)
    assert measured.figures["accuracy"]["value"] == pytest.approx(right / len(measured.labels))
    assert measured.baselines["accuracy"] <= 0.75
    assert measured.figures["abstained"]["n"] == measured.white_cells
    assert measured.numbers["share_lymphocyte"]["reference"] == [50, 50]
    assert 0 <= measured.figures["calibration_error"]["value"] <= 1


def test_what_is_kept_reads_back_the_same(measured):
    assert from_json(measured.as_json()) == measured


def figures(**values):
    return {
        name: dict(zip(("value", "low", "high", "n"), (*said, 50), strict=True))
        for name, said in values.items()
    }


@pytest.mark.parametrize(
    ("limit", "said", "words"),
    [
        (Limit("accuracy", "at least", 0.9), (0.95, 0.91, 0.98), "met"),
        (Limit("accuracy", "at least", 0.9), (0.92, 0.85, 0.96), "met, not beyond chance"),
        (Limit("accuracy", "at least", 0.9), (0.89, 0.80, 0.95), "not met"),
        (Limit("novel", "at most", 0.1), (0.02, 0.01, 0.05), "met"),
        (Limit("novel", "at most", 0.1), (0.11, 0.05, 0.2), "not met"),
        (Limit("bias_rbc", "within", 2), (-1.0, -1.9, -0.1), "met"),
        (Limit("bias_rbc", "within", 2), (-1.0, -2.1, 0.1), "met, not beyond chance"),
        (Limit("bias_rbc", "within", 2), (-2.5, -3.0, -2.0), "not met"),
        (Limit("kappa", "at least", 0.8), (None, None, None), "not determined"),
        (Limit("calibration_error", "at most", 0.1), (0.05, None, None), "met, not beyond chance"),
    ],
)
def test_a_limit_is_met_or_not(limit, said, words):
    verdict = judged(figures(**{limit.figure: said}), [limit])[0]
    assert verdict.words == words


def test_one_limit_that_is_not_determined_is_enough_against_it():
    limits = [Limit("accuracy", "at least", 0.9), Limit("kappa", "at least", 0.8)]
    known = judged(figures(accuracy=(1.0, 1.0, 1.0)), limits)
    assert [verdict.met for verdict in known] == [True, None]
    assert not accepted(known) and accepted(known[:1]) and not accepted([])


@pytest.mark.parametrize("bound", [-1, float("nan")])
def test_an_impossible_limit_is_refused(bound):
    with pytest.raises(ValueError, match="a number from 0"):
        judged({}, [Limit("accuracy", "at least", bound)])


def test_suggestions_are_about_figures_that_exist(measured):
    assert set(SUGGESTED) & set(measured.figures) >= {"accuracy", "abstained", "bias_rbc"}
    assert figure_title("bias_share_neutrophil") == "Bias, neutrophil share"


def test_it_is_signed_kept_and_told_by_the_ledger(sqlite_store, people, measured):
    limits = [Limit("bias_rbc", "within", 50.0), Limit("accuracy", "at least", 0.0)]
    with pytest.raises(NotAllowed):
        sign(sqlite_store, people.trainer, "Nov 2026", measured, limits)
    kept = sign(sqlite_store, people.pathologist, "Nov 2026", measured, limits, "Giemsa only")
    assert kept.accepted and kept.measured == measured and kept.signed_name == "Paul"
    again = sign(
        sqlite_store, people.second, "Dec 2026", measured, [Limit("error_rbc", "at most", 0.0)]
    )
    assert [one.title for one in every(sqlite_store, people.viewer)] == ["Dec 2026", "Nov 2026"]
    models = measured.models
    with sqlite_store.database.read() as connection:
        known = acceptances_in(connection)
    last = known.of({"wbc": models["wbc"], "locator": models["locator"]}).signed
    assert last is not None
    assert (last.title, last.accepted, last.signed_name, last.signed_at) == (
        again.title,
        again.accepted,
        again.signed_name,
        again.signed_at,
    )
    assert known.of({"wbc": "another@1", "locator": models["locator"]}).signed is None
    assert verify(sqlite_store).is_sound
    with sqlite_store.database.write() as connection:
        from core.store.review_schema import acceptances

        changed = acceptances.update().where(acceptances.c.id == again.id)
        connection.execute(changed.values(accepted=not again.accepted))
    told = [one for one in verify(sqlite_store).tampered if one.table == "acceptances"]
    assert [one.row for one in told] == [again.id]


@pytest.mark.parametrize(
    ("title", "limits", "said"),
    [(" ", [Limit("accuracy", "at least", 0.5)], "needs a title"), ("x", [], "at least one limit")],
)
def test_nothing_is_signed_without_a_title_and_a_limit(
    sqlite_store, people, measured, title, limits, said
):
    with pytest.raises(CaseRefused, match=said):
        sign(sqlite_store, people.pathologist, title, measured, limits)


def test_the_report_says_whether_each_limit_is_met(sqlite_store, people, measured):
    kept = sign(
        sqlite_store,
        people.pathologist,
        "November 2026, Giemsa",
        measured,
        [
            Limit("bias_rbc", "within", 50.0),
            Limit("error_wbc", "at most", 0.0),
            Limit("sensitivity_blast", "at least", 0.9),
        ],
    )
    pdf = PdfReader(io.BytesIO(acceptance_report(kept, Settings(laboratory="Labor Süd"))))
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    error = measured.figures["error_wbc"]["value"]
    assert ("Not accepted: 1 of 3" in text) == (error > 0)
    for said in (
        "Labor Süd",
        "November 2026, Giemsa",
        "Bias, red cells within 50.0 cells per field",
        "not determined",
        kept.record_sha256,
        kept.entry_hash,
        measured.models["wbc"],
        "x.png is empty.",
        "Research use only",
        "Passing-Bablok",
    ):
        assert said in text, said
    assert np.isfinite(measured.figures["bias_rbc"]["value"])
