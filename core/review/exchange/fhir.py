"""A case as HL7 FHIR: a DiagnosticReport with its Observations, in one Bundle.

Written for R5 (5.0.0) or R4B (4.3.0), the two current releases that ``fhir.resources`` 8 can
validate. The elements used are the same in R4 (4.0.1), so an R4 server takes the R4B form.
"""

import json
import uuid
from typing import Any, Final, Literal

from core.review.exchange.contents import CaseContents, in_signed_words
from core.review.exchange.loinc import (
    DIFFERENTIAL,
    MANUAL_DIFFERENTIAL,
    MORPHOLOGY,
    Loinc,
    share_code,
)
from core.review.exchange.notes import notes_of, palm_sentences
from core.review.exchange.red_cell_words import proposals_of
from core.review.reading.grades import GRADES, PLATELETS
from core.settings import settings
from core.slide.abnormality import ABNORMALITIES
from core.slide.differential import DifferentialRow
from core.slide.tables import disclaimer
from core.taxonomy import title

Release = Literal["R5", "R4B"]
# Any: the keys of a resource are HL7's, and fhir.resources checks the whole Bundle.
Resource = dict[str, Any]

_NAMESPACE: Final = uuid.UUID("6f1b5d0e-5d0f-4c55-9d0a-2f3b1c6a7e10")
_GENDER: Final = {"female": "female", "male": "male", "other": "other", "unknown": "unknown"}
_INTERPRETATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_TEST_DATA: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/v2-0074"


@in_signed_words
def case_fhir(contents: CaseContents, release: Release = "R5") -> str:
    """A Bundle (``collection``) as JSON: Patient, Specimen, DiagnosticReport, Observations.

    The patient is the pseudonym, never a name. A draft is ``preliminary``, and so is a case whose
    differential rests on fewer white cells than the site asks for; any other signed case is
    ``final``, a later version of it ``amended``. The Bundle is validated before it is returned.
    """
    bundle = _bundle(contents)
    if release == "R5":
        from fhir.resources.bundle import Bundle

        return str(Bundle.model_validate(bundle).model_dump_json(indent=2))
    from fhir.resources.R4B.bundle import Bundle as BundleR4B

    return str(BundleR4B.model_validate(bundle).model_dump_json(indent=2))


def _bundle(contents: CaseContents) -> Resource:
    case, at = contents.case, contents.made_at.isoformat(timespec="seconds")
    signed = contents.signature
    issued = signed.signed_at.isoformat(timespec="seconds") if signed else at
    status = "preliminary"
    if signed is not None and not contents.is_preliminary:
        status = "final" if case.version == 1 else "amended"
    patient: Resource = {
        "resourceType": "Patient",
        "gender": _GENDER.get(case.sex, "unknown"),
    }
    if case.pseudonym:
        patient["identifier"] = [{"use": "secondary", "value": case.pseudonym}]
    specimen = {
        "resourceType": "Specimen",
        "accessionIdentifier": {"value": case.accession},
        "type": {"text": "Stained smear of peripheral blood"},
        "subject": {"reference": _url(contents, "patient")},
    }
    observations = _observations(contents, status, issued)
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"value": f"{case.accession}-v{case.version}"}],
        "status": status,
        "code": {"text": "Palm report"},
        "subject": {"reference": _url(contents, "patient")},
        "effectiveDateTime": case.created_at.isoformat(timespec="seconds"),
        "issued": issued,
        "result": [{"reference": _url(contents, name)} for name, _ in observations],
        "conclusion": _conclusion(contents),
    }
    if signed is not None:
        report["resultsInterpreter"] = [{"display": signed.signed_name}]
    resources = [("report", report), ("patient", patient)]
    # A photograph of a hand is no specimen of blood.
    if contents.fields or not contents.pictures:
        report["category"] = [
            {"coding": [{"system": _CATEGORY, "code": "HM", "display": "Hematology"}]}
        ]
        report["code"] = _concept(MANUAL_DIFFERENTIAL, "Blood smear report")
        report["specimen"] = [{"reference": _url(contents, "specimen")}]
        resources.append(("specimen", specimen))
    resources += observations
    return {
        "resourceType": "Bundle",
        # By which a receiver tells a demo's cases from patients'.
        **({"meta": {"tag": [_TEST_DATA]}} if settings().is_demo else {}),
        "type": "collection",
        "timestamp": at,
        "identifier": {
            "system": "urn:ietf:rfc:3986",
            "value": _url(contents, "bundle"),
        },
        "entry": [
            {"fullUrl": _url(contents, name), "resource": resource} for name, resource in resources
        ],
    }


def _observations(contents: CaseContents, status: str, issued: str) -> list[tuple[str, Resource]]:
    common = {
        "resourceType": "Observation",
        "status": status,
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                    }
                ]
            }
        ],
        "subject": {"reference": _url(contents, "patient")},
        "specimen": {"reference": _url(contents, "specimen")},
        "effectiveDateTime": contents.case.created_at.isoformat(timespec="seconds"),
        "issued": issued,
    }
    findings = (
        *_differential_findings(contents),
        *_grade_findings(contents),
        *_abnormality_findings(contents),
    )
    return [(name, common | finding) for name, finding in findings]


def _differential_findings(contents: CaseContents) -> list[tuple[str, Resource]]:
    """Shares of the leukocytes, nucleated red cells per 100 of them, and smudge cells."""
    verified = contents.standing.verified
    if not verified.leukocytes:
        return []
    found = [(f"share-{row.label}", _share(row, verified.leukocytes)) for row in verified.rows]
    nucleated = verified.not_counted.get("erythroblast", 0)
    value = {"value": round(100 * nucleated / verified.leukocytes, 1), "unit": "/100 WBC",
             "system": "http://unitsofmeasure.org", "code": "/100{WBCs}"}  # fmt: skip
    code = _concept(DIFFERENTIAL["erythroblast"], title("erythroblast"))
    found.append(("share-erythroblast", {"code": code, "valueQuantity": value}))
    smudges = verified.not_counted.get("smudge", 0)
    if smudges:
        found.append(("smudge", {"code": {"text": "Smudge cells seen"}, "valueInteger": smudges}))
    return found


def _grade_findings(contents: CaseContents) -> list[tuple[str, Resource]]:
    """The grades of red-cell morphology and the platelets' estimate, in words.

    What the program proposed is a note at a reader's grade; without one it is an observation of its
    own, preliminary and without a code by which a receiver would take it for a result.
    """
    found: list[tuple[str, Resource]] = []
    proposals = {one.term: one for one in proposals_of(contents.red_cells)}
    for term, grade in sorted(contents.grades.items()):
        if term == PLATELETS and grade.words is not None:
            words = grade.words.replace("_", " ")
        elif grade.grade is not None:
            words = f"{GRADES[grade.grade]} ({grade.grade} of 3)"
        else:
            continue
        code = _concept(MORPHOLOGY.get(term), title(term))
        finding: Resource = {"code": code, "valueCodeableConcept": {"text": words}}
        if term in proposals:
            finding["note"] = [{"text": proposals[term].sentence()}]
        found.append((f"grade-{term}", finding))
    for one in proposals.values():
        if one.is_open:
            finding = {
                "status": "preliminary",
                "code": {"text": f"{title(one.term)}, proposed by the program"},
                "valueCodeableConcept": {"text": one.words()},
                "note": [{"text": one.sentence()}],
            }
            found.append((f"proposed-grade-{one.term}", finding))
    return found


def _abnormality_findings(contents: CaseContents) -> list[tuple[str, Resource]]:
    """What was seen in cells and fields: present, with how often and whether it is critical."""
    found: list[tuple[str, Resource]] = []
    for known in ABNORMALITIES:
        seen = [one for one in contents.seen if one.term == known.term]
        places = {(one.picture_id, one.cell_id) for one in seen}
        if not places:
            continue
        code = _concept(Loinc(known.loinc) if known.loinc else None, known.title)
        number = f"{len(places)} {known.place}{'' if len(places) == 1 else 's'}"
        finding: Resource = {
            "code": code,
            "valueCodeableConcept": {"text": "present"},
            "note": [{"text": f"Seen in {number}."}],
        }
        if known.critical:
            coding = {"system": _INTERPRETATION, "code": "AA", "display": "Critical abnormal"}
            finding["interpretation"] = [{"coding": [coding]}]
        found.append((f"seen-{known.term}", finding))
    return found


def _share(row: DifferentialRow, leukocytes: int) -> Resource:
    low, high = 100 * row.interval.low, 100 * row.interval.high
    return {
        "code": _concept(share_code(row.label), title(row.label)),
        "valueQuantity": {
            "value": round(100 * row.share, 1),
            "unit": "%",
            "system": "http://unitsofmeasure.org",
            "code": "%",
        },
        # A measurement's own uncertainty has no element; a reference range would say another thing.
        "note": [
            {
                "text": f"{row.cells} of {leukocytes} leukocytes; "
                f"exact 95 % interval {low:.1f} to {high:.1f} %"
            }
        ],
    }


def _concept(loinc: Loinc | None, text: str) -> Resource:
    concept: Resource = {"text": text}
    if loinc is not None:
        coding = {"system": loinc.system, "code": loinc.code}
        if loinc.display:
            coding["display"] = loinc.display
        concept["coding"] = [coding]
    return concept


def _conclusion(contents: CaseContents) -> str:
    parts = [remark.text for remark in contents.remarks if remark.picture_id is None]
    parts += notes_of(contents)
    # In words only: a photograph measures nothing, and an Observation would look as if it did.
    parts += [f"Palm: {sentence}" for sentence in palm_sentences(contents)]
    if contents.ledger:
        parts.append(f"Ledger entry {contents.ledger.entries}, {contents.ledger.hash}.")
    return "\n".join([*parts, disclaimer()])


def _url(contents: CaseContents, name: str) -> str:
    """The same case and version always give the same identifiers."""
    key = json.dumps([contents.case.accession, contents.case.version, name])
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, key)}"
