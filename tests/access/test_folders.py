"""People who sign in see only the folders that the administrator names."""

import os

import pytest

from core.access.folders import FolderRefused, folder_here
from core.settings import Settings


def site(*folders):
    return Settings(_env_file=None, folders=os.pathsep.join(map(str, folders)))


def test_whoever_sits_at_the_computer_names_any(tmp_path):
    assert folder_here(f" {tmp_path} ", "local", site()) == tmp_path


@pytest.mark.parametrize("mode", ["proxy", "oidc"])
def test_without_names_nobody_from_elsewhere_reads_one(tmp_path, mode):
    with pytest.raises(FolderRefused, match="HEMADESK_FOLDERS"):
        folder_here(str(tmp_path), mode, site())


@pytest.mark.parametrize("mode", ["local", "proxy"])
def test_only_below_what_is_named(tmp_path, mode):
    named, other, beside = (tmp_path / name for name in ("lab", "other", "lab2"))
    for folder in (named / "cells", other, beside):
        folder.mkdir(parents=True)
    (named / "link").symlink_to(other)
    allowed = site(named, tmp_path / "gone")
    assert folder_here(str(named / "cells"), mode, allowed) == named / "cells"
    assert folder_here(str(named), mode, allowed) == named
    for typed in (other, beside, named / ".." / "other", named / "link", "/", "\0", "x" * 5000):
        with pytest.raises(FolderRefused, match="only folders below"):
            folder_here(str(typed), mode, allowed)
