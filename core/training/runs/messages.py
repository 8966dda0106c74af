"""A message when a training run has ended: to a web address, by mail, or both, as the site set it.

It says how the run ended and what it reached. Nothing of the pictures it learnt from is sent.
"""

import json
import smtplib
import urllib.request
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from core.settings import Settings
from core.store.runs import Epoch, Run
from core.training.presets import recipe_info
from core.training.runs.forecast import best_epoch

TOLD: Final = ("done", "stopped", "failed", "lost")
"""States of which a message is sent. Whoever paused or discarded a run knows of it."""

_PATIENCE_S: Final = 15.0


def send(run: Run, epochs: Sequence[Epoch], chosen: Settings) -> list[str]:
    """Send what the site has asked for.

    Returns:
        A sentence for each message that could not be sent; a run never fails for that.
    """
    if run.state not in TOLD:
        return []
    failed = []
    if chosen.run_webhook:
        try:
            _post(chosen.run_webhook, as_row(run, epochs))
        except (OSError, ValueError) as error:
            failed.append(f"no message could be sent to HEMADESK_RUN_WEBHOOK: {error}")
    if chosen.run_mail_to:
        try:
            _mail(in_words(run, epochs), run, chosen)
        except (OSError, ValueError, smtplib.SMTPException) as error:
            failed.append(f"no mail could be sent to {chosen.run_mail_to}: {error}")
    return failed


def as_row(run: Run, epochs: Sequence[Epoch]) -> dict[str, Any]:
    """What a web address gets: strings, numbers and None, by these names."""
    best, info = best_epoch(epochs), recipe_info(run.recipe)
    return {
        "run": run.name,
        "title": run.title,
        "recipe": run.recipe,
        "state": run.state,
        "why": run.message,
        "epochs": len(epochs),
        "metric": info.metric,
        "best": best.metrics.get(info.metric) if best else None,
        "best_epoch": best.number + 1 if best else None,
        "model": run.model_identity,
        "by": run.created_by,
    }


def in_words(run: Run, epochs: Sequence[Epoch]) -> str:
    """The text of a mail."""
    best, info = best_epoch(epochs), recipe_info(run.recipe)
    why = f": {run.message}" if run.message else ""
    lines = [f"The training {run.label} ({info.title}) is {run.state}{why}."]
    if best is not None and info.metric in best.metrics:
        lines.append(
            f"{info.metric_title}: {best.metrics[info.metric]:.3f} at epoch {best.number + 1}, "
            f"the best of {len(epochs)}."
        )
    if run.model_identity:
        lines.append(f"Its model: {run.model_identity}. It answers nowhere before it is promoted.")
    lines.append("Research use: a qualified person decides.")
    return "\n".join(lines)


def _post(address: str, row: dict[str, Any]) -> None:
    request = urllib.request.Request(
        address, json.dumps(row).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=_PATIENCE_S):
        pass


def _mail(text: str, run: Run, chosen: Settings) -> None:
    server = urlsplit(chosen.smtp_url.get_secret_value())
    if server.scheme not in ("smtp", "smtps", "smtp+starttls") or not server.hostname:
        raise ValueError(
            "HEMADESK_SMTP_URL must be like smtp+starttls://user:password@mail.example.org:587"
        )
    message = EmailMessage()
    message["Subject"] = f"Hemadesk: training {run.label} is {run.state}"
    message["From"] = chosen.run_mail_from or chosen.run_mail_to.split(",")[0].strip()
    message["To"] = chosen.run_mail_to
    message.set_content(text)
    kind = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    with kind(server.hostname, server.port or 0, timeout=_PATIENCE_S) as connection:
        if server.scheme == "smtp+starttls":
            connection.starttls()
        if server.username:
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(message)
