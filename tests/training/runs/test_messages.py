"""A run that ended is told of where the site asked for it, by servers that really listen."""

from __future__ import annotations

import email
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from core.settings import Settings
from core.store.runs import Epoch, Run
from core.training.runs import messages

EPOCHS = [Epoch(0, 1.0, {"score": 0.5, "accuracy": 0.5}, 1e-3, 1.0)]
EPOCHS += [Epoch(1, 0.5, {"score": 0.75, "accuracy": 0.75}, 1e-3, 1.0)]


def run(state="done", message=None):
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    return Run(
        id=7, name="wbc-1", recipe="wbc", title="Own cells", folder="runs/wbc-1", data="somewhere",
        data_sha256=None, settings={"epochs": 2}, options={}, seed=0, code_version="unknown",
        device="CPU", state=state, request=None, attempt=1, process=None, host="here",
        heartbeat_at=None, created_by="Ada", created_at=moment, queued_at=moment, started_at=moment,
        ended_at=moment, progress=None, facts=None, message=message, model_path=None,
        model_identity="wbc@12345678",
    )  # fmt: skip


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(500 if self.path == "/broken" else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Mail(socketserver.StreamRequestHandler):
    """The part of RFC 5321 that a sender of one mail needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline().decode().strip():
            word = line[:4].upper()
            if word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.got.append(b"".join(lines))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")
            if word == "QUIT":
                return


@contextmanager
def listening(server) -> Iterator[tuple[int, list[Any]]]:
    server.got = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1], server.got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_web_address_gets_how_it_ended_and_what_it_reached():
    with listening(HTTPServer(("127.0.0.1", 0), _Hook)) as (port, got):
        asked = Settings(run_webhook=f"http://127.0.0.1:{port}/hook")
        assert messages.send(run(), EPOCHS, asked) == []
        ((path, row),) = got
        assert path == "/hook" and row["state"] == "done" and row["model"] == "wbc@12345678"
        assert (row["metric"], row["best_epoch"], row["epochs"]) == ("accuracy", 2, 2)
        # A person who paused or discarded it is not told.
        assert messages.send(run("paused"), EPOCHS, asked) == [] and len(got) == 1


def test_a_mail_says_it_in_words():
    with listening(socketserver.TCPServer(("127.0.0.1", 0), _Mail)) as (port, got):
        asked = Settings(
            run_mail_to="ada@example.org", smtp_url=SecretStr(f"smtp://127.0.0.1:{port}")
        )
        assert messages.send(run("failed", "the disk is full"), EPOCHS, asked) == []
        mail = email.message_from_bytes(got[0])
        assert mail["Subject"] == "Hemadesk: training Own cells #7 is failed"
        text = str(mail.get_payload())
        assert "is failed: the disk is full." in text and "a qualified person decides" in text


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({"run_webhook": "http://127.0.0.1:9/"}, "HEMADESK_RUN_WEBHOOK"),
        ({"run_mail_to": "ada@example.org"}, "HEMADESK_SMTP_URL must be like"),
        (
            {"run_mail_to": "ada@example.org", "smtp_url": SecretStr("smtp://127.0.0.1:9")},
            "no mail could be sent to ada@example.org",
        ),
    ],
)
def test_what_cannot_be_sent_is_a_sentence_and_no_failure(asked, part):
    (sentence,) = messages.send(run(), EPOCHS, Settings(**asked))
    assert part in sentence


def test_an_address_that_answers_with_an_error_is_said():
    with listening(HTTPServer(("127.0.0.1", 0), _Hook)) as (port, _):
        (sentence,) = messages.send(
            run(), EPOCHS, Settings(run_webhook=f"http://127.0.0.1:{port}/broken")
        )
        assert "500" in sentence
