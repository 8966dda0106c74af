"""``python -m core serve``: the app, on an address it may be served on."""

import os
import sys
from typing import Annotated

import typer

from core.commands.terminal import stop


def serve(
    address: Annotated[str, typer.Option(help="what to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
) -> None:
    """Serve the app; an address that others reach needs a sign-in."""
    from core.access.serving import port_fault
    from core.access.sign_in import ServingRefused, mode
    from core.settings import ROOT

    try:
        signed_in_by = mode(address)
    except ServingRefused as refusal:
        stop(refusal)
    taken = port_fault(address, port)
    if taken:
        stop(taken)
    who = {
        "public": "anybody may look at the demo and nobody can change it",
        "local": "whoever sits at this computer is signed in",
        "oidc": "people sign in through OpenID Connect",
        "proxy": "people sign in at the proxy",
    }
    print(f"Serving http://{address}:{port}; {who[signed_in_by]}.", flush=True)
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    command += ["--server.address", address, "--server.port", str(port)]
    os.chdir(ROOT)  # Streamlit reads .streamlit/config.toml from where it is started
    os.execv(sys.executable, command)
