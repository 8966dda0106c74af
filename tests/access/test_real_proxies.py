"""The shipped configurations of nginx and Caddy, run by the servers themselves on loopback."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
import uvicorn
from pydantic import SecretStr
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from core.access.gates import ProxyGate
from core.access.guard import Guard
from core.access.upload_quota import UploadQuota
from core.settings import Settings
from tests.fixtures.paths import ROOT

SECRET = "the secret of the proxy"
PATIENCE_S = 60


async def _mirror(scope, receive, send):
    """Answers with the headers that reached it and the length of what was sent."""
    seen = [[name.decode(), value.decode()] for name, value in scope["headers"]]
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": json.dumps(seen)})
        await receive()
        return
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    answer = json.dumps({"headers": seen, "length": length}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": answer})


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextmanager
def _behind(public):
    """The door of proxy mode, served by uvicorn as Streamlit is; gives its port."""
    site = Settings(
        _env_file=None,
        public_address=public,
        proxy_header="X-Remote-User",
        proxy_secret=SecretStr(SECRET),
    )
    quota = UploadQuota(per_person_mb=50, in_all_mb=50, sessions=lambda: ["s"])
    guard = Guard(_mirror, gate=ProxyGate(site), quota=quota, public_address=public)
    port = _free_port()
    server = uvicorn.Server(uvicorn.Config(guard, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _wait(port)
        yield port
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


def _wait(port, process=None):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process is None or process.poll() is None, process.stderr.read()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens at {port}")


def _nginx(folder, port, upstream):
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for was, now in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port}"),
        ("    ssl_certificate     /etc/ssl/hemadesk.crt;\n", ""),
        ("    ssl_certificate_key /etc/ssl/hemadesk.key;\n", ""),
        ("server_name hemadesk.clinic.example", "server_name 127.0.0.1"),
        ("http://127.0.0.1:8501", f"http://127.0.0.1:{upstream}"),
        ("/etc/nginx/hemadesk.users", str(folder / "users")),
        ("proxy_set_header Host $host", "proxy_set_header Host $http_host"),
    ):
        assert was in text, f"deploy/nginx.conf has no {was!r} any more"
        text = text.replace(was, now)
    (folder / "users").write_text("ada:{PLAIN}word\n")
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; user root;\n"
        "events { worker_connections 64; }\nhttp { access_log off;\n"
        f"client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        + text
        + "}\n"
    )
    return [_program("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)], {}


def _caddy(folder, port, upstream):
    hashed = subprocess.run(
        [_program("caddy"), "hash-password", "--plaintext", "word"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    return [
        _program("caddy"), "run", "--config", str(ROOT / "deploy" / "Caddyfile"),
        "--adapter", "caddyfile",
    ], {
        "HEMADESK_PUBLIC_ADDRESS": f"http://127.0.0.1:{port}",
        "HEMADESK_UPSTREAM": f"127.0.0.1:{upstream}",
        "HEMADESK_PROXY_SECRET": SECRET,
        "CADDY_USER": "ada",
        "CADDY_PASSWORD_HASH": hashed,
        "CADDY_ADMIN": "off",
        "HOME": str(folder),
    }  # fmt: skip


def _program(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if found is None:
        pytest.skip(f"no {name}: apt-get install {name}")
    return found


@pytest.fixture(params=["nginx", "caddy"], scope="module")
def proxied(request, tmp_path_factory):
    """Address of the proxy, and the port of what stands behind it."""
    folder = tmp_path_factory.mktemp(request.param)
    port = _free_port()
    with _behind(f"http://127.0.0.1:{port}") as upstream:
        make = {"nginx": _nginx, "caddy": _caddy}[request.param]
        command, environment = make(folder, port, upstream)
        process = subprocess.Popen(
            command, env={"PATH": "/usr/sbin:/usr/bin:/bin", **environment},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            _wait(port, process)
            yield f"http://127.0.0.1:{port}", upstream
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)


BASIC = {"Authorization": "Basic " + base64.b64encode(b"ada:word").decode()}
FORGED = {"X-Remote-User": "director", "X-Hemadesk-Proxy-Secret": SECRET}


def _ask(address, path="/", *, method="GET", data=None, **headers):
    request = urllib.request.Request(address + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, {}


def test_the_name_is_the_proxys_whatever_the_browser_says(proxied):
    address, upstream = proxied
    assert _ask(address)[0] == 401, "the proxy asks for a password"
    status, seen = _ask(address, **BASIC, **FORGED)
    names = [value for name, value in seen["headers"] if name == "x-remote-user"]
    secrets = [value for name, value in seen["headers"] if name == "x-hemadesk-proxy-secret"]
    assert (status, names, secrets) == (200, ["ada"], [SECRET])
    assert "authorization" not in dict(seen["headers"]), "the password stays at the proxy"
    assert _ask(f"http://127.0.0.1:{upstream}")[0] == 403, "nobody comes in past the proxy"


def test_an_upload_and_a_websocket_pass(proxied):
    address, _ = proxied
    data = b"x" * 3_000_000
    path = "/_stcore/upload_file/s/f"
    status, seen = _ask(address, path, method="PUT", data=data, Origin=address, **BASIC)
    assert (status, seen["length"]) == (200, len(data))
    foreign = _ask(address, path, method="PUT", data=b"x", Origin="http://evil.example", **BASIC)
    assert foreign[0] == 403
    socket_address = address.replace("http:", "ws:") + "/_stcore/stream"
    own = Origin(address)
    with connect(socket_address, origin=own, additional_headers=BASIC) as opened:
        seen = dict(json.loads(opened.recv()))
    assert seen["x-remote-user"] == "ada"
    evil = Origin("http://evil.example")
    for headers, origin in ((BASIC, evil), (BASIC, None), ({}, own)):
        with pytest.raises(InvalidStatus):
            connect(socket_address, origin=origin, additional_headers=headers)
