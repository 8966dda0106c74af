"""Pictures sent inside the page instead of from an address of their own.

Streamlit would keep each under an address that asks for no sign-in, and forgets it when a redraw
overtakes another; inside the page it goes where the page goes and stays as long.
"""

import base64


def in_page(picture: bytes) -> str:
    """A JPEG, PNG or WebP file as a data address."""
    kind = (
        "png" if picture.startswith(b"\x89PNG") else "webp" if picture[8:12] == b"WEBP" else "jpeg"
    )
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
