"""File names in ZIPs whose program did not write them as UTF-8: Chinese Windows, DOS, macOS."""

import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Sequence
from typing import Final

_UTF8_FLAG: Final = 0x800
_GB2312: Final = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xff])*+")
"""ASCII and pairs of bytes from A1 on, the first below F8: the common Chinese characters."""


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
    if _GB2312.fullmatch(names):
        return "gbk"
    # Of equal shares the first wins: the bytes of "ü" and a letter after it are also rare Chinese.
    return max(("cp437", "cp1252", "gbk"), key=lambda encoding: _letter_share(names, encoding))


def _letter_share(names: bytes, encoding: str) -> float:
    """Share of the characters beyond ASCII that are letters such a name is likely to hold."""
    # A GBK character may end in an ASCII byte, so whole names are decoded, not their high bytes.
    text = names.decode(encoding, errors="replace")
    wanted = "CJK UNIFIED" if encoding == "gbk" else "LATIN"
    counts = Counter(letter for letter in text if not letter.isascii())
    named = sum(
        count for letter, count in counts.items() if unicodedata.name(letter, "").startswith(wanted)
    )
    return named / max(1, counts.total())
