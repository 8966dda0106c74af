"""Results of many fields in one file: JSON lines, or Parquet with a typed column for each key.

Rows come one after the other, so memory does not grow with them. A row is the command line's JSON
of a field. In Parquet ``probabilities`` are maps, since sites add classes; keys that a row lacks
are null.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.files import atomic_path
from core.taxonomy import KINDS

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS: Final = (".jsonl", ".parquet")
_ROWS_AT_ONCE: Final = 256

Row = dict[str, object]


def write_results(file: Path, rows: Iterable[Row]) -> int:
    """Write all rows; the file appears when it is whole. Gives their number.

    Args:
        file: its ending, one of :data:`ENDINGS`, decides the format.
        rows: read once.
    """
    write = _parquet if file.suffix.lower() == ".parquet" else _json_lines
    with atomic_path(file) as unfinished:
        return write(unfinished, iter(rows))


def _json_lines(file: Path, rows: Iterator[Row]) -> int:
    number = 0
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")
            number += 1
    return number


def _parquet(file: Path, rows: Iterator[Row]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    schema = _schema()
    with pq.ParquetWriter(file, schema) as out:
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            out.write_table(pa.Table.from_pylist(some, schema))
            number += len(some)
    return number


def _schema() -> "pa.Schema":
    import pyarrow as pa

    text, number, truth, whole = pa.string(), pa.float64(), pa.bool_(), pa.int64()
    flags = pa.list_(pa.struct({"code": text, "message": text}))
    shares = pa.map_(text, number)
    call = pa.struct(
        {
            "class": text,
            "probability": number,
            "set": pa.list_(text),
            "could_be": pa.list_(text),
            "reported_as": text,
            "critical": truth,
            "probabilities": shares,
            "abstained": truth,
            "flags": flags,
            "model": text,
            "stage": pa.struct({"class": text, "probabilities": shares}),
        }
    )
    measures = ("area_px", "diameter_px", "roundness", "pallor", "chromicity")
    shape = pa.struct(
        {
            "class": text,
            "probability": number,
            "judged": truth,
            "not_judged": text,
            "measures": pa.struct(dict.fromkeys(measures, number)),
            "model": text,
        }
    )
    cell = {"kind": text, "box_xyxy": pa.list_(number), "score": number, "wbc": call}
    count = pa.struct({"value": number, "low": number, "high": number})
    columns: dict[str, Any] = {
        "file": text,
        "width": whole,
        "height": whole,
        "method": text,
        "model": text,
        "included": truth,
        "counts": pa.struct(dict.fromkeys(KINDS, count)),
        "cells": pa.list_(pa.struct({**cell, "shape": shape})),
        "flags": flags,
        "laboratory": text,
        "lab_acceptance": text,
        "error": pa.struct({"code": text, "message": text}),
    }
    return pa.schema(columns)
