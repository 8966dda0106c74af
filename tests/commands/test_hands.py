import zipfile

import pytest
from typer.testing import CliRunner

from core import cli
from core.commands.hands import unpack
from core.models import hand


@pytest.fixture
def target(tmp_path, monkeypatch):
    monkeypatch.setattr(hand, "folder", lambda: tmp_path / "share")
    return tmp_path / "share"


def wheel(folder, content):
    path = folder / "mediapipe-0.10.21-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("palm_detection/palm_detection_full", "hand_landmark/hand_landmark_full"):
            archive.writestr(f"mediapipe/modules/{name}.tflite", content)
    return path


def test_a_wheel_with_other_networks_leaves_nothing_behind(tmp_path, target):
    with pytest.raises(hand.HandModelsMissing, match="not the published file"):
        unpack(wheel(tmp_path, b"something else"))
    assert not list(target.iterdir()) and not hand.available()


def test_files_are_put_where_the_program_looks(tmp_path, target, monkeypatch):
    # SHA-256 of b"abc", from FIPS 180-2, appendix B.1.
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    monkeypatch.setattr(hand, "SHA256", dict.fromkeys(hand.SHA256, digest))
    unpack(wheel(tmp_path, b"abc").parent)
    assert sorted(path.name for path in target.iterdir()) == sorted(hand.SHA256)
    assert hand.available()


@pytest.mark.parametrize("content", [None, b"no wheel"])
def test_the_command_says_what_was_wrong(tmp_path, target, content):
    path = tmp_path / "mediapipe.whl"
    if content:
        path.write_bytes(content)
    ran = CliRunner().invoke(cli.app, ["hands", str(path)])
    assert ran.exit_code == 1
    assert "The hand models were not taken from mediapipe.whl" in ran.stderr
