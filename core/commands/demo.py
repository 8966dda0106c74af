"""``python -m core demo``: fill a store of invented cases and serve it."""

import os
from typing import Annotated

import typer

from core.commands.serve import serve
from core.commands.terminal import progress, stop


def demo(
    address: Annotated[str, typer.Option(help="what to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    fill_only: Annotated[bool, typer.Option("--fill-only", help="do not serve")] = False,
) -> None:
    """Serve invented cases from a store of their own; HEMADESK_DEMO=public is for strangers."""
    from core.demo import place
    from core.settings import settings

    if os.environ.get("HEMADESK_DEMO", "off") == "off":
        os.environ["HEMADESK_DEMO"] = "on"
    settings.cache_clear()
    try:
        place.prepare()
        from core.demo import filling

        filling.ensure(progress)
    except (place.DemoRefused, ValueError, OSError) as refusal:
        stop(refusal)
    if not fill_only:
        serve(address, port)
