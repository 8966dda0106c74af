"""Archives made by hand to do harm, and honest ones."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from core.datasets.archive import ArchiveRefused, Limits, unpack


def _zip(*entries, compression=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    packed.seek(0)
    return packed


def _link():
    entry = zipfile.ZipInfo("cells/link.jpg")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def _with_wrong_size():
    """An archive whose own list says ten bytes where there are many."""
    packed = bytearray(_zip(("a/1.jpg", bytes(50_000_000))).getvalue())
    size = (50_000_000).to_bytes(4, "little")
    return io.BytesIO(bytes(packed).replace(size, (10).to_bytes(4, "little")))


def test_an_honest_archive_is_unpacked(tmp_path):
    entries = [("PBC/basophil/1.jpg", b"one"), ("PBC\\monocyte\\2.jpg", b"two")]
    rubbish = [("__MACOSX/PBC/._1.jpg", b"x"), ("PBC/.DS_Store", b"x")]
    assert unpack(_zip(*entries, *rubbish), tmp_path / "set") == 2
    assert (tmp_path / "set/PBC/basophil/1.jpg").read_bytes() == b"one"
    assert (tmp_path / "set/PBC/monocyte/2.jpg").read_bytes() == b"two"
    assert len([p for p in (tmp_path / "set").rglob("*") if p.is_file()]) == 2


@pytest.mark.parametrize(
    ("archive", "code"),
    [
        (lambda: _zip(("/etc/cron.d/evil", b"x")), "absolute_path"),
        (lambda: _zip(("C:\\Windows\\evil", b"x")), "absolute_path"),
        (lambda: _zip(("cells/../../evil.jpg", b"x")), "outside_path"),
        (lambda: _zip(("cells\\..\\..\\evil.jpg", b"x")), "outside_path"),
        (lambda: _zip((_link(), b"/etc/passwd")), "link"),
        (lambda: _zip(("a/1.jpg", bytes(50_000_000))), "bomb"),
        (_with_wrong_size, "damaged"),
        (lambda: _zip(*((f"a/{i}.jpg", b"x") for i in range(30))), "too_many_files"),
        (lambda: _zip(("a/1.jpg", bytes(range(256)) * 8000)), "too_many_bytes"),
        (lambda: _zip(("a/One.jpg", b"x"), ("a/one.jpg", b"y")), "same_name"),
        (lambda: _zip(), "empty"),
        (lambda: _zip(("__MACOSX/x", b"x")), "empty"),
        (lambda: io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(100)), "not_a_zip"),
        (lambda: io.BytesIO(_zip(("a/1.jpg", b"x" * 999)).getvalue()[:-30]), "not_a_zip"),
    ],
)
def test_what_does_harm_is_refused_and_leaves_nothing(tmp_path, archive, code):
    limits = Limits(files=20, bytes=60_000_000 if code in ("bomb", "damaged") else 1_000_000)
    with pytest.raises(ArchiveRefused) as refused:
        unpack(archive(), tmp_path / "set", limits)
    assert refused.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_an_encrypted_archive_is_refused(tmp_path):
    packed = bytearray(_zip(("a/1.jpg", b"x")).getvalue())
    packed[6] |= 1  # the flag in the file's own header
    packed[packed.index(b"PK\x01\x02") + 8] |= 1  # and in the archive's list
    with pytest.raises(ArchiveRefused, match="encrypted"):
        unpack(io.BytesIO(bytes(packed)), tmp_path / "set")


def test_an_existing_folder_is_never_written_into(tmp_path):
    (tmp_path / "set").mkdir()
    with pytest.raises(FileExistsError):
        unpack(_zip(("a/1.jpg", b"x")), tmp_path / "set")


class _CountedReads(io.BytesIO):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def _zip_named_in(encoding, names):
    """An archive whose names are stored in ``encoding`` and not marked as UTF-8."""
    stand_ins = [f"{number:x<{len(name.encode(encoding))}}" for number, name in enumerate(names)]
    packed = _zip(
        *((stand_in, name.encode()) for stand_in, name in zip(stand_ins, names, strict=True))
    )
    data = packed.getvalue()
    for stand_in, name in zip(stand_ins, names, strict=True):
        data = data.replace(stand_in.encode(), name.encode(encoding))
    return _CountedReads(data)


def test_many_entries_with_chinese_names_are_read_once_each(tmp_path):
    names = [f"血涂片{number % 7}/淋巴细胞{number:04}.png" for number in range(600)]
    archive = _zip_named_in("gbk", names)
    assert unpack(archive, tmp_path / "set") == 600
    unpacked = [path for path in (tmp_path / "set").rglob("*") if path.is_file()]
    # Each file holds the name it was packed under.
    assert {path.relative_to(tmp_path / "set").as_posix() for path in unpacked} == {*names}
    assert all(path.read_text() == path.relative_to(tmp_path / "set").as_posix()
               for path in unpacked)  # fmt: skip
    # The list of entries in a few reads; of each entry its head, its name and its content.
    assert archive.reads <= 3 * 600 + 20


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        # A character of GBK that GB2312 lacks: its second byte is an ASCII letter.
        ("gbk", ["朱镕基/淋巴细胞1.png", "朱镕基/淋巴细胞2.png"]),
        ("cp437", ["Müller/Präparat.png", "Jürgen/Präparat.png"]),
        ("cp1252", ["Müller/Präparat.png", "José/Nº 3.png"]),
        ("utf-8", ["Müller/血涂片.png"]),
    ],
)
def test_names_are_readable_whichever_program_packed_them(tmp_path, encoding, names):
    unpack(_zip_named_in(encoding, names), tmp_path / "set")
    unpacked = [path for path in (tmp_path / "set").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "set").as_posix() for path in unpacked} == {*names}
