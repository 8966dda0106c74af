"""``python -m core hands WHEEL``: take the hand models out of MediaPipe's wheel."""

import zipfile
from pathlib import Path
from typing import Annotated, Final

import typer

from core.commands.terminal import stop
from core.files import atomic_path, sha256_of

_INSIDE: Final = {
    "palm_detection_full.tflite": "mediapipe/modules/palm_detection/palm_detection_full.tflite",
    "hand_landmark_full.tflite": "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
}


def hands(wheel: Annotated[Path, typer.Argument(help="the wheel, or a folder it lies in")]) -> None:
    """Unpack MediaPipe's palm detector and hand landmarks; their hashes are checked."""
    if not wheel.exists():
        stop(f"The hand models were not taken from {wheel.name}: it does not exist", status=1)
    from core.models.hand import HandModelsMissing, networks

    try:
        unpack(wheel)
        networks()
    except (OSError, zipfile.BadZipFile, KeyError, HandModelsMissing) as error:
        stop(f"The hand models were not taken from {wheel.name}: {error}", status=1)
    print("Hands can be found in photos.")


def unpack(wheel: Path) -> None:
    """Write both files where the program looks for them, each checked before it takes its place.

    Raises:
        OSError: if the wheel cannot be read or the folder not written.
        HandModelsMissing: if a file inside is not the published one.
    """
    from core.models.hand import SHA256, HandModelsMissing, folder

    if wheel.is_dir():
        wheel = next(iter(sorted(wheel.glob("mediapipe-*.whl"))), wheel / "mediapipe-*.whl")
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name, inside in _INSIDE.items():
            with atomic_path(target / name) as temporary:
                temporary.write_bytes(archive.read(inside))
                if sha256_of(temporary) != SHA256[name]:
                    raise HandModelsMissing(f"{name} in it is not the published file")
