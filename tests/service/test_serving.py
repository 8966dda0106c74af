"""``python -m core serve --api`` as another program meets it: a real process, a real socket."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from typer.testing import CliRunner

from core.cli import app
from tests.fixtures.browser import free_port
from tests.fixtures.paths import ROOT


def test_it_answers_programs_of_this_computer_and_ends_when_told(own_var):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "serve", "--api", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "HEMADESK_VAR": str(own_var)},
    )
    try:
        address = f"http://127.0.0.1:{port}"
        while True:
            assert process.poll() is None
            try:
                with urllib.request.urlopen(f"{address}/healthz") as answer:
                    assert answer.read() == b'{"status":"ok"}'
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        with urllib.request.urlopen(f"{address}/cases") as answer:
            assert answer.read() == b"[]"
        foreign = urllib.request.Request(
            f"{address}/cases", headers={"Origin": "https://a.example"}
        )
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(foreign)
    finally:
        process.terminate()
        process.wait()


def test_an_address_that_others_reach_needs_a_sign_in(own_var):
    result = CliRunner().invoke(app, ["serve", "--api", "--address", "0.0.0.0"])
    assert result.exit_code == 2
    assert "nobody would have to sign in" in result.stderr
