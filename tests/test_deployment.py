"""The files of deploy/ are of their form, and name settings that there are."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

from core.cli import app
from core.settings import Settings
from tests.fixtures.paths import ROOT

DEPLOY = ROOT / "deploy"


def test_every_setting_that_is_named_exists():
    known = {f"HEMADESK_{name.upper()}" for name in Settings.model_fields}
    own = {"HEMADESK_UPSTREAM"}  # the Caddyfile's
    for file in [*DEPLOY.iterdir(), ROOT / "docs" / "operations.md", ROOT / "docs/threat-model.md"]:
        named = set(re.findall(r"HEMADESK_[A-Z_]+[A-Z]", file.read_text()))
        assert named <= known | own, f"{file.name}: {named - known - own}"


def test_the_units_are_what_systemd_takes():
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze")
    units = sorted(map(str, [*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")]))
    ran = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    # The program of the unit is not where it will be.
    wrong = [
        line
        for line in ran.stderr.splitlines()
        if "hemadesk" in line and "is not executable" not in line
    ]
    assert wrong == []


def test_the_compose_file_has_three_services_that_wait_for_each_other():
    stored = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = stored["services"]
    assert services.keys() == {"database", "hemadesk", "caddy"}
    assert services["hemadesk"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert "ports" not in services["hemadesk"] and "ports" not in services["database"]
    assert (DEPLOY / services["hemadesk"]["build"]["context"]).resolve() == ROOT
    used = {v.split(":")[0] for one in services.values() for v in one["volumes"] if v[0] != "."}
    assert used == stored["volumes"].keys()
    docker = shutil.which("docker")
    command = [str(docker), "compose", "version"]
    if docker is None or subprocess.run(command, capture_output=True, check=False).returncode:
        return  # its form was looked at; only Docker knows the rest
    names = re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text())
    variables = dict.fromkeys(names, "https://x.example")
    ran = subprocess.run(
        [docker, "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


def test_traefik_signs_people_in_between_removing_and_setting_the_headers():
    """Of its form only: there is no Traefik here that would run it."""
    stored = yaml.safe_load((DEPLOY / "traefik.yaml").read_text())["http"]
    (router,) = stored["routers"].values()
    assert router["service"] in stored["services"] and "tls" in router
    first, people, last = [stored["middlewares"][name] for name in router["middlewares"]]
    assert len(stored["middlewares"]) == 3
    header, secret = "X-Remote-User", "X-Hemadesk-Proxy-Secret"
    # An empty value removes a header: what a browser has sent never gets past.
    assert first == {"headers": {"customRequestHeaders": {header: "", secret: ""}}}
    assert people["basicAuth"]["headerField"] == header
    assert people["basicAuth"]["removeHeader"] is True, "the password stays at the proxy"
    (name,) = last["headers"]["customRequestHeaders"]
    assert name == secret and len(last["headers"]["customRequestHeaders"][name]) >= 16
    (server,) = stored["services"][router["service"]]["loadBalancer"]["servers"]
    assert server["url"] == "http://127.0.0.1:8501"


def test_the_image_holds_the_program_and_does_not_run_as_root():
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    words = [line.split()[0] for line in lines if line and line[0].isupper()]
    assert words[0] == "FROM" and words[-1] == "CMD"
    assert {"USER", "HEALTHCHECK", "VOLUME"} <= set(words)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", "var", "data", ".env", ".streamlit/secrets.toml"} <= set(ignored)


def test_every_threat_has_a_test_that_exists():
    text = (ROOT / "docs" / "threat-model.md").read_text().split("## Open")[0]
    rows = [
        line.split("|") for line in text.splitlines() if re.match(r"\| .* \| [STRIDE, ]+ \|", line)
    ]
    assert len(rows) > 30
    for row in rows:
        named = re.findall(r"`(tests/[^`]+)`", row[-2])
        assert named or row[-2].strip() == "by hand", row[2]
        assert all((ROOT / file).is_file() for file in named), named


def test_the_commands_of_the_operations_page_exist():
    import typer

    text = (ROOT / "docs" / "operations.md").read_text()
    cases = typer.main.get_command(app).commands["cases"].commands  # type: ignore[attr-defined]
    named = set(re.findall(r"core cases ([a-z-]+)", text))
    assert named <= cases.keys(), named - cases.keys()
    for name, options in re.findall(r"core cases ([a-z-]+)([^`\n]*)", text):
        known = {option for one in cases[name].params for option in one.opts}
        assert set(re.findall(r"--[a-z-]+", options)) <= known, name
