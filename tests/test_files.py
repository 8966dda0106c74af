"""Files that are whole or absent: killed writers, several writers at once, damaged JSON."""

import hashlib
import json
import multiprocessing
import os
import resource
import signal
import stat
from dataclasses import dataclass

import pytest
from typing_extensions import TypedDict

from core import files
from core.files import (
    atomic_path,
    json_as,
    read_json,
    read_json_as,
    sha256_of,
    write_atomically,
    write_json,
)


class _Row(TypedDict):
    name: str
    counts: list[int]


@dataclass(frozen=True)
class _WithDefaults:
    name: str
    counts: tuple[int, ...] = ()


def _names(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_bytes_and_text_are_written_as_they_are(tmp_path, durable):
    write_atomically(tmp_path / "a", b"\x00\r\n", durable=durable)
    write_atomically(tmp_path / "b", "5 µm\n", durable=durable)
    assert (tmp_path / "a").read_bytes() == b"\x00\r\n"
    assert (tmp_path / "b").read_bytes() == "5 µm\n".encode()
    assert _names(tmp_path) == ["a", "b"]


def test_a_file_may_be_read_by_whom_the_umask_allows(tmp_path):
    before = os.umask(0o027)
    try:
        write_json(tmp_path / "a.json", {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o640


def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path):
    write_json(tmp_path / "a.json", {"value": 1})

    def broken():
        with atomic_path(tmp_path / "a.json") as temporary:
            temporary.write_text("{")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        broken()
    assert read_json(tmp_path / "a.json") == {"value": 1}
    assert _names(tmp_path) == ["a.json"]


def _killed_while_writing(path):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, which gives an OSError
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    write_atomically(path, b"2" * 5000)


def test_a_writer_killed_within_its_bytes_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"1" * 5000)
    process = multiprocessing.get_context("fork").Process(
        target=_killed_while_writing, args=(path,)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGXFSZ
    assert path.read_bytes() == b"1" * 5000
    assert len(_names(tmp_path)) == 2, "it died with its temporary file half written"
    files.remove_unfinished(tmp_path)
    assert _names(tmp_path) == ["a.bin"]


def _write_many(path, number):
    for turn in range(200):
        write_json(path, {"writer": number, "filler": str(number) * 3000, "turn": turn})


def test_two_writers_never_mix_their_bytes(tmp_path):
    path = tmp_path / "a.json"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(path, n)) for n in (1, 2)]
    for writer in writers:
        writer.start()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        value = read_json(path)
        if value is not None:
            seen += 1
            assert value["filler"] == str(value["writer"]) * 3000
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen
    assert _names(tmp_path) == ["a.json"]


def test_a_file_that_is_not_there_is_none(tmp_path):
    assert read_json(tmp_path / "a.json") is None


@pytest.mark.parametrize("content", [b"", b'{"value": ', b"\xff\xfe", b"[1, 2]", b"3"])
def test_what_is_no_json_object_is_refused_by_name(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.json (is not valid JSON|holds no JSON object)"):
        read_json(tmp_path / "a.json")


def test_json_is_typed_and_keys_of_a_later_version_are_left_out(tmp_path):
    file = tmp_path / "row.json"
    assert read_json_as(file, _Row) is None
    write_json(file, {"name": "a", "counts": [1, 2], "later": True})
    assert read_json_as(file, _Row) == {"name": "a", "counts": [1, 2]}
    assert read_json_as(file, _WithDefaults) == _WithDefaults("a", (1, 2))
    assert json_as({"name": "b"}, _WithDefaults, "here") == _WithDefaults("b")


def test_a_missing_or_wrong_key_is_named_with_its_file(tmp_path):
    file = tmp_path / "row.json"
    write_json(file, {"name": "a"})
    with pytest.raises(ValueError, match=r"row\.json: counts: Field required"):
        read_json_as(file, _Row)
    write_json(file, {"name": "a", "counts": [1, "many"]})
    with pytest.raises(ValueError, match=r"row\.json: counts\.1: Input should be a valid integer"):
        read_json_as(file, _Row)


def test_json_ends_with_a_line_break(tmp_path):
    write_json(tmp_path / "a.json", {"value": [1, 2]}, indent=2)
    text = (tmp_path / "a.json").read_text()
    assert text.endswith("}\n")
    assert json.loads(text) == {"value": [1, 2]}


def test_the_hash_is_of_the_whole_file(tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "a.bin").write_bytes(data)
    assert sha256_of(tmp_path / "a.bin") == hashlib.sha256(data).hexdigest()
