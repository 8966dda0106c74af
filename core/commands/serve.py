"""``python -m core serve``: the app, on an address it may be served on."""

import os
import sys
from typing import Annotated

import typer

from core.commands.terminal import stop


def serve(
    address: Annotated[str, typer.Option(help="what to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    api: Annotated[
        bool, typer.Option("--api", help="answer other programs over HTTP, not people in browsers")
    ] = False,
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
    if api:
        if signed_in_by in ("oidc", "public"):
            stop(
                "--api answers programs of this computer, or behind a proxy that names the person "
                "(HEMADESK_PROXY_HEADER and HEMADESK_PROXY_SECRET): a program cannot sign in with "
                "OpenID Connect, and a public demo takes none"
            )
        _serve_api(address, port, behind_proxy=signed_in_by == "proxy")
        return
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


def _serve_api(address: str, port: int, *, behind_proxy: bool) -> None:
    import uvicorn

    from core import __version__, log_file
    from core.access.gates import LocalGate, ProxyGate
    from core.models import registry
    from core.service.app import Models, service
    from core.service.entrance import Entrance
    from core.settings import settings

    os.umask(0o077)
    site = settings()
    log_file.open_log(site.var)
    app = service(Models(registry.smear_models, lambda: registry.live("palm")), __version__)
    gate = ProxyGate(site) if behind_proxy else LocalGate(None)
    entrance = Entrance(app, gate, int(site.max_upload_mb_per_person * 1e6))
    print(f"Answering programs at http://{address}:{port}, described at /openapi.json.", flush=True)
    # The sender's address decides who is let in: no header of a proxy may replace it.
    uvicorn.run(
        entrance,
        host=address,
        port=port,
        proxy_headers=False,
        log_level="warning",
    )
