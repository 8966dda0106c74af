"""``python -m core``."""

import os

from core.cli import app

# Whatever a command writes is for the user of this installation alone.
os.umask(0o077)

app(prog_name="python -m core")
