"""Which folders of this computer a person may name on a screen.

Whoever sits at the computer may name what they can open anyway. People who sign in from elsewhere
see only what lies below the folders that the administrator names: the server can read more than
they may.
"""

import os
from pathlib import Path

from core.access.sign_in import Mode
from core.settings import Settings, settings


class FolderRefused(ValueError):
    """A folder that may not be named; the message says what to do."""


def folder_here(typed: str, mode: Mode, site: Settings | None = None) -> Path:
    """The folder that a person typed, with ``~`` and links resolved where they are restricted.

    Args:
        typed: as it was typed.
        mode: how people are identified.
        site: the settings of the site; those of this process if not given.

    Raises:
        FolderRefused: if it does not lie below a folder that the administrator named.
    """
    site = site or settings()
    named = [Path(one).expanduser() for one in site.folders.split(os.pathsep) if one.strip()]
    if not named and mode == "local":
        return Path(typed.strip()).expanduser()
    if not named:
        raise FolderRefused(
            "No folder of this computer can be read from here: the administrator names those that "
            "can in HEMADESK_FOLDERS. Send a ZIP instead"
        )
    try:
        # Links are followed first: one below a named folder may lead anywhere.
        folder = Path(typed.strip()).expanduser().resolve()
        allowed = any(folder.is_relative_to(one.resolve()) for one in named)
    except (OSError, ValueError, RuntimeError):  # a NUL, a name too long, links in a circle
        allowed = False
    if not allowed:
        shown = ", ".join(map(str, named))
        raise FolderRefused(f"only folders below {shown} can be read (HEMADESK_FOLDERS)")
    return folder
