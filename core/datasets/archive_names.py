"""File names in ZIPs whose program did not write them as UTF-8: Chinese Windows, DOS, macOS."""

import re
import unicodedata
import zipfile
from collections.abc import Sequence

_UTF8_FLAG = 0x800


def restore_names(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Give entries without the UTF-8 mark readable names, all by one encoding of the archive.

    ``zipfile`` takes such names for code page 437. They are UTF-8 where they can be (macOS leaves
    the mark out), GBK where all bytes pair up to common Chinese characters, and otherwise code page
    437 or Windows-1252, whichever gives Latin letters.
    """
    unmarked = [entry for entry in entries if not entry.flag_bits & _UTF8_FLAG]
    foreign = [entry for entry in unmarked if not entry.filename.isascii()]
    if not foreign:
        return
    names = [entry.filename.encode("cp437", errors="replace") for entry in foreign]
    encoding = _encoding(b"/".join(names))
    for entry, name in zip(foreign, names, strict=True):
        entry.filename = name.decode(encoding, errors="replace")


def _encoding(names: bytes) -> str:
    try:
        names.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    runs = re.findall(rb"[\x80-\xff]+", names)
    # GB2312: two bytes from A1 on, the first of a character below F8.
    pairs = [run[i : i + 2] for run in runs for i in range(0, len(run), 2)]
    if all(len(p) == 2 and 0xA1 <= p[0] <= 0xF7 and p[1] >= 0xA1 for p in pairs):
        return "gbk"
    return max(("cp437", "cp1252", "gbk"), key=lambda encoding: _letters(runs, encoding))


def _letters(runs: Sequence[bytes], encoding: str) -> float:
    """Share of the characters that are letters such a name is likely to hold."""
    text = b"".join(runs).decode(encoding, errors="replace")
    wanted = "CJK UNIFIED" if encoding == "gbk" else "LATIN"
    names = [unicodedata.name(letter, "") for letter in text]
    return sum(name.startswith(wanted) for name in names) / max(1, len(names))
