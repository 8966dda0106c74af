"""The HL7 v2 message, read by the standard's own rules of fields, components and escapes."""

from core.review.exchange.contents import gather
from core.review.exchange.hl7 import case_hl7
from core.review.exchange.signed_contents import gather_signed
from core.review.reading.abnormalities import mark
from core.review.reading.cells import cells
from core.review.reading.remarks import remark
from core.review.signature.signing import amend


def segments(message):
    """Segment name -> its fields, numbered as in the standard: ``MSH-1`` is the delimiter."""
    assert message.endswith("\r") and "\n" not in message
    found: dict[str, list[list[str]]] = {}
    for line in message.removesuffix("\r").split("\r"):
        name, *fields = line.split("|")
        numbered = [name, "|", *fields] if name == "MSH" else [name, *fields]
        found.setdefault(name, []).append(numbered)
    return found


def test_a_signed_case_is_final_with_its_codes(case_store, signed_case, reader):
    found = segments(case_hl7(gather(case_store, reader, signed_case.id), "Labor A|B & Søn"))
    (msh,), (pid,), (obr,) = found["MSH"], found["PID"], found["OBR"]
    assert (msh[2], msh[4]) == ("^~\\&", "Labor A\\F\\B \\T\\ Søn")
    assert (msh[9], msh[12], msh[18]) == ("ORU^R01^ORU_R01", "2.5.1", "UNICODE UTF-8")
    assert len(msh[10]) <= 20
    assert pid[3] == "Żółw 平" and pid[8] in ("F", "M", "O", "U")
    assert obr[3] == signed_case.accession and obr[4].startswith("24318-8^")
    assert obr[25] == "F" and obr[32].endswith(reader.name)
    assert [int(obx[1]) for obx in found["OBX"]] == list(range(1, len(found["OBX"]) + 1))
    by_code = {obx[3].split("^")[0]: obx for obx in found["OBX"]}
    bands = by_code["764-1"]
    assert (bands[2], bands[5], bands[6], bands[11]) == ("NM", "16.7", "%", "F")
    assert by_code["709-6"][8] == "AA"  # the blast
    assert by_code["23761-0"][7] == "40-75"
    assert by_code["9317-9"][5] == "decreased"
    assert found["NTE"][-1][3].startswith("Research use only")


def test_a_draft_is_preliminary_and_escapes_what_was_typed(case_store, open_case, reader):
    white = cells(case_store, reader, open_case.id)
    mark(case_store, reader, open_case.id, "auer_rods", cell_id=white[0].id)
    remark(case_store, reader, open_case.id, "a|b^c&d~e\\f\nnext")
    found = segments(case_hl7(gather(case_store, reader, open_case.id)))
    assert found["OBR"][0][25] == "P" and len(found["OBR"][0]) <= 33
    texts = [nte[3] for nte in found["NTE"]]
    assert "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\next" in texts
    (auer,) = [obx for obx in found["OBX"] if obx[3].startswith("11281-3")]
    assert auer[5] == "present, 1 cell" and auer[8] == "AA"


def test_an_amendment_is_a_correction(case_store, signed_case, reader):
    from core.review.signature.signing import sign

    amend(case_store, reader, signed_case.id, "another look")
    sign(case_store, reader, signed_case.id)
    again = segments(case_hl7(gather(case_store, reader, signed_case.id)))
    assert again["OBR"][0][25] == "C" and {obx[11] for obx in again["OBX"]} == {"C"}
    first = segments(case_hl7(gather_signed(case_store, reader, signed_case.id, 1)))
    assert first["OBR"][0][25] == "F"
