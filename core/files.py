"""Files that are whole or absent, JSON files, and the hash of a file."""

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

T = TypeVar("T")

JsonObject = dict[str, JsonValue]
"""A JSON object as it was read, before anything is known of its keys.

``JsonValue`` is any value that JSON has. Where the keys are known, :func:`json_as` turns it into a
``TypedDict``, a dataclass or a pydantic model.
"""

UNFINISHED: Final = ".writing"
"""Suffix of every temporary file, so that no search for ``*.json`` or the like finds one."""


@contextmanager
def atomic_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path to write to, which takes the place of ``path`` when the block ends.

    A reader sees the old file or the new one, never a part of it. The temporary file lies beside
    ``path`` and has a random name, so that two processes that write the same file do not mix their
    bytes; the last one to finish wins. If the block raises, ``path`` stays as it was.

    Args:
        path: file to write; its folder must exist.
        durable: wait until content and name are on the disk. Without it a power cut may lose the
            file, which is fine for progress that is written again a second later.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def write_atomically(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Write bytes, or text as UTF-8; see :func:`atomic_path`."""
    with atomic_path(path, durable=durable) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def copy_atomically(source: Path, target: Path) -> None:
    """Copy the content of a file; see :func:`atomic_path`."""
    write_atomically(target, source.read_bytes())


def write_json(path: Path, value: Any, *, indent: int | None = None, durable: bool = True) -> None:
    """Write a value as JSON with a final line break; see :func:`atomic_path`."""
    write_atomically(path, json.dumps(value, indent=indent) + "\n", durable=durable)


def read_json(path: Path) -> JsonObject | None:
    """The JSON object in a file; None where there is no such file.

    Raises:
        ValueError: if the file holds anything else.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} holds no JSON object")
    return value


def read_json_as(path: Path, kind: type[T]) -> T | None:
    """The JSON object in a file, typed; None where there is no such file. See :func:`json_as`.

    Raises:
        ValueError: if the file holds anything else.
    """
    value = read_json(path)
    return None if value is None else json_as(value, kind, str(path))


def json_as(value: JsonObject, kind: type[T], origin: str) -> T:
    """A JSON object as a ``TypedDict`` (of typing_extensions), a dataclass or a pydantic model.

    Keys that ``kind`` does not name are left out: a later version may have written them.

    Args:
        value: as it was read.
        kind: what it should be.
        origin: where it was read from, for the message.

    Raises:
        ValueError: if a key is missing or its value has another type; the message names the key.
    """
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as refusal:
        error = refusal.errors()[0]
        key = ".".join(map(str, error["loc"]))
        raise ValueError(f"{origin}: {key}: {error['msg']}") from refusal


# Any: one cache for the adapters of all types; json_as() gives the result its type.
_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {}


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    """Building an adapter takes milliseconds, and the state of a job is read every second."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def remove_unfinished(folder: Path) -> None:
    """Remove the temporary files of writers that were killed; call it only where nobody writes."""
    for file in folder.glob(f"*{UNFINISHED}"):
        file.unlink(missing_ok=True)


def open_to_others(root: Path) -> list[Path]:
    """Files and folders of a folder, and itself, that other users of this machine may use."""
    return [path for path in _all(root) if _mode(path) & 0o077]


def make_private(root: Path) -> None:
    """Close a folder and everything in it to other users of this machine: 0700 and 0600.

    What belongs to somebody else stays as it is; `open_to_others` finds it.
    """
    if os.name != "posix":
        return
    for path in open_to_others(root):
        with suppress(OSError):
            path.chmod(_mode(path) & 0o700)


def _all(root: Path) -> Iterator[Path]:
    yield root
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            if not path.is_symlink():
                yield path


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:  # gone in the meantime
        return 0


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: a new file is only safe after that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems cannot do this for a folder; they have nothing to wait for.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
