"""Sets made to break their readers: mutated from good ones, never an exception but a refusal.

``HEMADESK_FUZZ=10000 python -m pytest tests/datasets/intake/test_fuzz.py`` tries as many.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from core.datasets.archive import ArchiveRefused, unpack
from core.datasets.intake.cells import read_cells
from core.datasets.intake.fields import read_boxed_fields, read_counted_fields
from core.datasets.intake.palms import read_palms
from core.datasets.skipped import DataRefused
from core.review.acceptance.results import ResultsRefused, read_results
from core.settings import Settings

EXAMPLES = int(os.environ.get("HEMADESK_FUZZ", "60"))
FUZZ = hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
SETTINGS = Settings()


def picture() -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((240, 200)).save(out, "PNG")
    return out.getvalue()


def workbook() -> bytes:
    book: Any = openpyxl.Workbook()
    book.active.append(["file", "rbc", "wbc", "platelet"])
    book.active.append(["1.png", 5, 1, 0])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


PICTURE = picture()
COCO = {
    "images": [{"id": 1, "file_name": "1.png", "width": 240, "height": 200}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 5, 30, 30], "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9]]},
    ],
    "categories": [{"id": 1, "name": "RBC"}],
}
VOC = (
    "<annotation><size><width>240</width><height>200</height></size><object><name>RBC</name>"
    "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>"
    "</annotation>"
)
SEEDS = {
    "a.json": json.dumps(COCO).encode(),
    "1.xml": VOC.encode(),
    "1.txt": b"0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.3 0.1 0.3 0.3\n",
    "data.yaml": b"names: {0: RBC, 1: WBC}\nnc: 2\n",
    "classes.txt": b"RBC\nWBC\n",
    "counts.csv": b"file,rbc,wbc,platelet,patient\n1.png,5,1,0,p1\n",
    "labels.csv": b'file;anemic;patient\n"1.png";1;p1\n',
    "counts.xlsx": workbook(),
    "1.png": PICTURE,
}
READERS = (read_cells, read_boxed_fields, read_counted_fields, read_palms)


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes with a few places overwritten, cut out or doubled."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 12))
        new = draw(
            st.binary(max_size=8)
            | st.sampled_from(
                [b"\0", b'"', b"\r", b"9" * 5000, b"nan", b"-1", b"null", b"[" * 3000]
            )
        )
        data = data[:at] + new + data[at + length :]
    return data


def read_all(root: Path) -> None:
    for read in READERS:
        try:
            read(root, SETTINGS)
        except DataRefused:
            continue


@FUZZ
@given(st.data())
def test_a_mutated_set_is_read_or_refused(data):
    names = data.draw(st.lists(st.sampled_from(sorted(SEEDS)), min_size=1, unique=True))
    broken = data.draw(st.sampled_from(names))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "1.png").write_bytes(PICTURE)
        for name in names:
            content = data.draw(mutated(SEEDS[name])) if name == broken else SEEDS[name]
            (root / name).write_bytes(content)
        read_all(root)


@FUZZ
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["id", "bbox", "file_name", "image_id", "category_id", "name"]),
                inner,
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(["images", "annotations", "categories"]),
)
def test_json_of_any_shape_is_read_or_refused(value, where):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "1.png").write_bytes(PICTURE)
        for content in (value, [value]):
            (root / "a.json").write_text(json.dumps({**COCO, where: content}))
            read_all(root)


@FUZZ
@given(st.data(), st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]))
def test_a_mutated_zip_is_unpacked_or_refused(data, compression):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        archive.writestr("set/MON/1.png", PICTURE)
        archive.writestr("set/counts.csv", SEEDS["counts.csv"])
    content = data.draw(mutated(packed.getvalue()))
    with tempfile.TemporaryDirectory() as folder:
        try:
            unpack(io.BytesIO(content), Path(folder) / "set")
        except ArchiveRefused:
            return
        read_all(Path(folder) / "set")


@FUZZ
@given(mutated(b'file,rbc,wbc\n"1.png",5,1\n2.png,6,1\n') | st.binary(max_size=200))
def test_a_table_of_acceptance_is_read_or_refused(content):
    with contextlib.suppress(ResultsRefused):
        read_results([("results.csv", content)])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{"images": [], "annotations": ' + b"[" * 200_000),
        ("data.yaml", b"names: " + b"[" * 20_000),
        ("1.xml", b"<a>" * 100_000),
        ("c.csv", b'file,rbc,wbc,platelet\n"' + b"x" * 200_000 + b'",1,1,1\n'),
        ("c.xlsx", b"PK\x03\x04 nothing"),
    ],
)
def test_what_is_too_deep_or_too_long_is_refused(tmp_path, name, content):
    (tmp_path / "1.png").write_bytes(PICTURE)
    (tmp_path / name).write_bytes(content)
    for read in READERS[1:]:
        with pytest.raises(DataRefused):
            read(tmp_path, SETTINGS)
