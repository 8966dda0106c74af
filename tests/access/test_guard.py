"""The door in front of the app: who is let through, and what nobody is."""

from __future__ import annotations

import ast
import json
import re
from functools import partial

import pytest
from anyio.from_thread import start_blocking_portal
from pydantic import SecretStr

from core.access.browser_token import BrowserTokens
from core.access.gates import ClosedGate, LocalGate, OidcGate, ProxyGate
from core.access.guard import Guard
from core.access.probes import Probes
from core.access.sign_in import SignInExpired, SignInRefused
from core.access.upload_limits import UploadLimits
from core.access.upload_quota import UploadQuota
from core.settings import Settings
from tests.fixtures.browser import served
from tests.fixtures.paths import ROOT
from tests.fixtures.sockets import asked_elsewhere, watch

SECRET = "a secret of the proxy"
PUBLIC = "https://hemadesk.clinic.example"
UPLOAD = "/_stcore/upload_file/session/file"
PATHS = ("/", "/review", UPLOAD, "/media/1.png", "/_stcore/stream", "/_stcore/host-config")
SIGNED = {"x-remote-user": "Ada", "x-hemadesk-proxy-secret": SECRET}


class Inside:
    """The app behind the door: remembers what reached it, and reads an upload to its end."""

    def __init__(self):
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        if scope.get("method") == "PUT":
            while (await receive()).get("more_body"):
                pass
        if scope["type"] == "http":
            cookie = (b"set-cookie", b"a=b; Path=/")
            await send({"type": "http.response.start", "status": 200, "headers": [cookie]})
            await send({"type": "http.response.body", "body": b"inside"})
        else:
            await send({"type": "websocket.accept"})


def door(
    gate, *, tokens=None, public="", per_person=1.0, in_all=3.0, alive=("session",),
    largest=lambda _session: 10**9, **more,
):  # fmt: skip
    quota = UploadQuota(
        per_person_mb=per_person,
        in_all_mb=in_all,
        sessions=lambda: alive,
        largest_bytes=largest,
    )
    return Guard(Inside(), gate=gate, quota=quota, tokens=tokens, public_address=public, **more)


def ask(guard, path="/", **request):
    """Status (101 for an opened websocket), headers and body of the answer."""
    answering, answers = _sent(guard, path, **request)
    # Nothing in it waits, so no loop is needed: one may be running in this thread.
    with pytest.raises(StopIteration):
        answering.send(None)
    return _seen(answers)


async def asked(guard, path, **request):
    """The same for what waits."""
    answering, answers = _sent(guard, path, **request)
    await answering
    return _seen(answers)


def _sent(guard, path, *, method="GET", peer="127.0.0.1", body=(b"",), query="", **headers):
    kind = "websocket" if method == "WS" else "http"
    sent = {"host": "127.0.0.1:8501", **{n.replace("_", "-"): v for n, v in headers.items()}}
    scope = {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "headers": [(n.encode(), v.encode()) for n, v in sent.items() if v is not None],
        "client": (peer, 5000) if peer else None,
        "server": ("127.0.0.1", 8501),
    }
    if kind == "http":
        scope["method"] = method
    parts = list(body)
    answers = []

    async def receive():
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        answers.append(message)

    return guard(scope, receive, send), answers


def _seen(answers):
    first = answers[0]
    status = {"websocket.accept": 101, "websocket.close": 403}.get(first["type"])
    text = b"".join(a.get("body", b"") for a in answers).decode()
    return status or first["status"], dict(first.get("headers", ())), text


OWN = "http://127.0.0.1:8501"


def local(tokens=None):
    return door(LocalGate(tokens), tokens=tokens)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.168.1.4", {}),
        (None, {}),
        ("127.0.0.1", {"via": "1.1 proxy"}),
        ("127.0.0.1", {"x-forwarded-proto": "https"}),
        ("127.0.0.1", {"x-forwarded-anything": "1"}),
        ("127.0.0.1", {"forwarded": "for=1.2.3.4"}),
        ("127.0.0.1", {"x-real-ip": "1.2.3.4"}),
        ("127.0.0.1", {"host": "rebound.example:8501"}),
        ("127.0.0.1", {"host": None}),
        ("127.0.0.1", {"origin": "https://elsewhere.example"}),
        ("127.0.0.1", {"origin": "null"}),
        ("127.0.0.1", {"origin": "http://127.0.0.1:9999"}),
    ],
)
def test_local_mode_answers_this_computer_only(path, peer, headers):
    guard = local()
    for method in ("GET", "PUT", "WS"):
        status, _, _ = ask(guard, path, method=method, peer=peer, **{"origin": OWN, **headers})
        assert status == 403
    assert guard._app.scopes == []


def test_local_mode_lets_its_own_screen_in():
    guard = local()
    for host in ("127.0.0.1:8501", "localhost:8501", "[::1]:8501"):
        assert ask(guard, host=host)[0] == 200
        assert (
            ask(guard, "/_stcore/stream", method="WS", host=host, origin=f"http://{host}")[0] == 101
        )
    # Browsers always name the origin of a websocket; who does not is no browser.
    assert ask(guard, "/_stcore/stream", method="WS")[0] == 403


def test_the_token_of_the_printed_address_lets_one_browser_in():
    tokens = BrowserTokens()
    shown = []
    guard = door(LocalGate(tokens), tokens=tokens, used=lambda: shown.append(tokens.token))
    first = tokens.token
    for path in PATHS:
        assert ask(guard, path)[0] == 401
    assert ask(guard, "/_stcore/stream", method="WS", origin=OWN)[0] == 403
    assert ask(guard, "/_stcore/health")[0] == 200
    assert ask(guard, "/review", query="token=wrong")[0] == 401
    # Sent from elsewhere it is worth nothing, and not used up.
    assert ask(guard, query=f"token={first}", peer="192.168.1.4")[0] == 403
    status, headers, _ = ask(guard, "/review", query=f"case=3&token={first}")
    assert (status, headers[b"location"]) == (303, b"/review?case=3")
    cookie = headers[b"set-cookie"].decode()
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    pair = cookie.split(";")[0]
    assert ask(guard, cookie=pair)[0] == 200
    assert ask(guard, "/_stcore/stream", method="WS", origin=OWN, cookie=pair)[0] == 101
    # One browser, one start, one port.
    assert ask(guard, query=f"token={first}")[0] == 401
    assert shown == [tokens.token] and tokens.token != first
    assert ask(local(BrowserTokens()), cookie=pair)[0] == 401
    assert ask(guard, cookie=pair.replace("8501", "8502"))[0] == 401
    # The same browser opens the old address again: it is in already.
    assert ask(guard, query=f"token={first}", cookie=pair)[0] == 303


def test_the_redirect_stays_at_this_server():
    tokens = BrowserTokens()
    guard = door(LocalGate(tokens), tokens=tokens)
    _, headers, _ = ask(guard, "//elsewhere.example/x", query=f"token={tokens.token}")
    assert headers[b"location"] == b"/elsewhere.example/x"


def proxied(public=""):
    site = Settings(
        _env_file=None,
        proxy_header="X-Remote-User",
        proxy_secret=SecretStr(SECRET),
        public_address=public,
    )
    return door(ProxyGate(site), public=public)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers", [{}, SIGNED | {"x-hemadesk-proxy-secret": "wrong"}, SIGNED | {"x-remote-user": " "}]
)
def test_without_the_proxys_secret_nothing_is_read(path, headers):
    guard = proxied()
    for method in ("GET", "PUT", "WS"):
        status, _, _ = ask(guard, path, method=method, origin=OWN, body=(b"x" * 99,), **headers)
        assert status == 403
    assert guard._app.scopes == []


@pytest.mark.parametrize("host", ["hemadesk.clinic.example", "127.0.0.1:8501"])
def test_the_public_address_is_the_one_the_app_sees(host):
    """A proxy may send on its own name for the server: Origin and Host must still agree."""
    guard = proxied(PUBLIC)
    sent = SIGNED | {"host": host, "origin": PUBLIC}
    assert ask(guard, "/_stcore/stream", method="WS", **sent)[0] == 101
    inside = dict(guard._app.scopes[-1]["headers"])
    assert inside[b"host"] == b"hemadesk.clinic.example" and inside[b"origin"] == PUBLIC.encode()
    assert ask(guard, UPLOAD, method="PUT", **sent)[0] == 200
    for origin in ("https://elsewhere.example", "https://hemadesk.clinic.example.evil.example"):
        wrong = sent | {"origin": origin}
        assert ask(guard, "/_stcore/stream", method="WS", **wrong)[0] == 403
    assert ask(guard, **(sent | {"host": "rebound.example", "origin": None}))[0] == 403
    # Cookies go over TLS only.
    assert ask(guard, **sent)[1][b"set-cookie"] == b"a=b; Path=/; Secure"


@pytest.mark.parametrize("address", ["hemadesk.example", "https://a.example/path", "ftp://a", "x"])
def test_a_public_address_is_a_scheme_and_a_name(address):
    with pytest.raises(ValueError, match="public_address"):
        Settings(_env_file=None, public_address=address)


def _who(cookies):
    if cookies.get("who") == "old":
        raise SignInExpired("You signed in long ago.")
    if cookies.get("who") == "eve":
        raise SignInRefused("eve is not verified.")
    return cookies.get("who") or None


def test_nothing_opens_before_the_sign_in():
    guard = door(OidcGate(Settings(_env_file=None), _who, lambda: "/auth/login?provider=x"))
    for path in (*PATHS, "/static/js/index.js"):
        for method in ("GET", "PUT", "POST"):
            assert ask(guard, path, method=method, origin=OWN)[0] == 401, (path, method)
    assert ask(guard, "/_stcore/stream", method="WS", origin=OWN)[0] == 403
    assert guard._app.scopes == []
    shown = {who: ask(guard, "/review", cookie=f"who={who}")[2] for who in ("", "old", "eve")}
    assert "href='/auth/login?provider=x'>Sign in<" in shown[""]
    assert "long ago" in shown["old"] and ">Sign in<" in shown["old"]
    assert "not verified" in shown["eve"] and "href='/auth/logout'" in shown["eve"]
    for path in ("/auth/login", "/oauth2callback", "/auth/logout"):
        assert ask(guard, path)[0] == 200, "the way in, and back"
        assert ask(guard, path, method="WS", origin=OWN)[0] == 403
    assert ask(guard, "/media/1.png", cookie="who=ada")[0] == 200
    assert ask(guard, "/_stcore/stream", method="WS", origin=OWN, cookie="who=ada")[0] == 101


def probed(token="", by_gate=False, fault=False):
    probes = Probes(
        health=lambda: {"database": not fault, "disk": True},
        metrics=lambda: "hemadesk_up 1\n",
        token=token,
        by_gate=by_gate,
    )
    gate = (
        LocalGate(None)
        if by_gate
        else ProxyGate(
            Settings(_env_file=None, proxy_header="X-Remote-User", proxy_secret=SecretStr(SECRET))
        )
    )
    return door(gate, probes=probes)


def test_health_is_for_anybody_and_figures_for_the_administrator():
    status, _, text = _probe(probed(), "/healthz")
    assert (status, json.loads(text)) == (200, {"status": "ok", "database": "ok", "disk": "ok"})
    status, _, text = _probe(probed(fault=True), "/healthz")
    assert (status, json.loads(text)["database"]) == (503, "fault")
    for guard, sent, expected in (
        (probed("a token"), {}, 401),
        (probed("a token"), {"authorization": "Bearer another"}, 401),
        (probed("a token"), {"authorization": "Bearer a token"}, 200),
        (probed(""), {"authorization": "Bearer "}, 401),
        (probed(by_gate=True), {}, 200),
        (probed(by_gate=True), {"x_forwarded_for": "10.0.0.9"}, 403),
    ):
        assert _probe(guard, "/metrics", **sent)[0] == expected, sent
    assert ask(probed(), "/metrics", method="POST")[0] == 405


def _probe(guard, path, **headers):
    """They ask in a thread, so a loop is needed: one of its own."""
    with start_blocking_portal() as portal:
        return portal.call(partial(asked, guard, path, **headers))


def test_settings_that_let_nobody_in_say_so():
    status, _, text = ask(door(ClosedGate("Set up a <sign-in>.")))
    assert (status, "Set up a &lt;sign-in&gt;." in text) == (503, True)


@pytest.mark.parametrize(
    "path",
    ["/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent", "/x/_stcore/metrics"],
)
def test_what_no_screen_needs_is_closed(path):
    assert ask(local(), path)[0] == 404


def test_browsers_are_told_what_to_keep_to():
    headers = ask(local())[1]
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"same-origin"
    policy = headers[b"content-security-policy"].decode()
    assert "frame-ancestors 'none'" in policy and "default-src 'self'" in policy
    assert "http" not in policy and "*" not in policy, "nothing from another server"
    assert "frame-ancestors 'self'" in str(ask(local(), "/component/x/i.html")[1])


def put(guard, file="file", session="session", body=(b"x" * 400_000,), **more):
    path = f"/_stcore/upload_file/{session}/{file}"
    return ask(guard, path, method="PUT", origin=OWN, body=body, **more)[0]


def test_what_one_person_sends_is_bounded_and_given_back():
    guard = local()
    assert put(guard, "1") == put(guard, "2") == 200
    # Announced too long: refused before a byte is read; sent too long without a word: stopped.
    assert put(guard, "3", content_length="900000") == 413
    assert put(guard, "3", body=(b"x" * 150_000, b"x" * 150_000)) == 413
    assert put(guard, "3", body=(b"x" * 150_000,)) == 200
    assert put(guard, "3", content_length="-1") == 400
    assert ask(guard, UPLOAD[:-4] + "1", method="DELETE", origin=OWN)[0] == 200
    assert put(guard, "4") == 200
    # Sent again in place of itself, a file counts once.
    assert put(guard, "4") == 200


def test_what_ended_sessions_held_is_given_back():
    alive = ["one"]
    guard = door(LocalGate(None), alive=alive)
    assert put(guard, "1", "one") == put(guard, "2", "one") == 200
    assert put(guard, "3", "two") == 413
    alive[:] = ["two"]
    assert put(guard, "3", "two") == 200


def test_all_together_are_bounded():
    site = Settings(_env_file=None, proxy_header="X-Remote-User", proxy_secret=SecretStr(SECRET))
    guard = door(ProxyGate(site), in_all=1.0)
    assert put(guard, "1", **SIGNED) == put(guard, "2", **SIGNED) == 200
    assert put(guard, "3", **(SIGNED | {"x-remote-user": "Bob"})) == 413


def test_a_file_fits_what_its_page_asks_for():
    """A page for photos of palms takes no archive of pictures to train on."""
    limits = UploadLimits(is_open=lambda session: session != "gone")
    guard = door(LocalGate(None), per_person=9e9, in_all=9e9, largest=limits.largest_bytes)

    def sent(megabytes, session="a"):
        """Announced only; the server asks for no byte of it."""
        length = str(int(megabytes * 1024 * 1024))
        return put(guard, "file", session, body=(b"x",), content_length=length)

    assert sent(0.1) == 413, "no page was drawn"
    limits.enter_page("a", "screen_palm")
    assert sent(0.1) == 413, "no widget was drawn"
    limits.allow("a", 50)
    limits.allow("a", 5)  # of two widgets the larger counts
    assert (sent(50), sent(50.2), sent(500)) == (200, 413, 413)
    assert sent(0.1, "b") == 413, "another window"
    limits.enter_page("a", "screen_palm")
    assert sent(50) == 200, "drawn again, a file may be on its way"
    limits.enter_page("a", "fine_tune")
    assert sent(0.1) == 413
    limits.allow("a", 2000)
    assert sent(1999) == 200
    # Whoever announces less than they send is stopped on the way.
    limits.enter_page("a", "screen_palm")
    limits.allow("a", 1)
    mega = b"x" * 900_000
    assert put(guard, "2", "a", body=(mega, mega), content_length="900000") == 413
    limits.enter_page("gone", "screen_palm")
    limits.allow("gone", 1)
    limits.enter_page("c", "screen_palm")
    assert limits.largest_bytes("gone") == 0, "forgotten with its window"


def test_every_widget_for_files_tells_the_door_its_limit():
    found = 0
    for file in (ROOT / "pages").rglob("*.py"):
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr == "file_uploader":
                found += 1
                limit = {one.arg: ast.unparse(one.value) for one in node.keywords}
                assert limit.get("max_upload_size", "").startswith("upload_limits.at_most("), file
            if node.func.attr == "camera_input":
                found += 1
                assert "upload_limits.at_most(settings().max_file_mb)  #" in file.read_text(), file
    assert found >= 7


def test_the_server_itself_asks_before_it_answers(tmp_path):
    """The real server: the printed address lets in, and nothing else does."""
    import http.client
    from urllib.parse import urlsplit

    log = tmp_path / "log.txt"
    with served(log, HEMADESK_LOCAL_TOKEN="once", HEMADESK_VAR=str(tmp_path / "var")) as address:
        parts = urlsplit(address)

        def answer(method, path, **headers):
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            reply = connection.getresponse()
            reply.read()
            connection.close()
            return reply

        for method, path in (("GET", "/"), ("PUT", UPLOAD), ("GET", "/media/x.png")):
            assert answer(method, path).status == 401
        assert answer("GET", "/_stcore/metrics").status == 404
        assert answer("GET", "/", Via="1.1 proxy").status == 403
        socket = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec_WebSocket_Version": "13",
            "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        assert answer("GET", "/_stcore/stream", Origin=address, **socket).status == 403
        (token,) = re.findall(r"/\?token=([\w-]+)", log.read_text())
        reply = answer("GET", f"/?token={token}")
        assert reply.status == 303
        cookie = str(reply.getheader("set-cookie")).split(";")[0]
        page = answer("GET", "/", Cookie=cookie)
        assert page.status == 200 and "frame-ancestors 'none'" in str(page.headers)
        assert (
            answer("GET", "/_stcore/stream", Origin=address, Cookie=cookie, **socket).status == 101
        )
        assert answer("GET", f"/?token={token}").status == 401
        assert len(re.findall(r"/\?token=", log.read_text())) == 2, "the next browser's address"


def test_the_server_asks_no_other_server(tmp_path):
    """A foreign Origin once made Streamlit look its public address up; every socket is watched."""
    import http.client
    from urllib.parse import urlsplit

    more = {**watch(tmp_path), "HEMADESK_VAR": str(tmp_path)}
    with served(tmp_path / "log.txt", **more) as address:
        parts = urlsplit(address)
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        statuses = []
        for origin in ("https://elsewhere.example", "http://192.0.2.7:8501", "null", address):
            for method, path, headers in (
                ("GET", "/_stcore/stream", upgrade),
                ("PUT", UPLOAD, {}),
                ("GET", "/_stcore/host-config", {}),
            ):
                connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
                connection.request(method, path, headers={"Origin": origin, **headers})
                statuses.append(connection.getresponse().status)
                connection.close()
        assert statuses[:9] == [403] * 9
        assert (statuses[9], statuses[11]) == (101, 200)
    assert asked_elsewhere(tmp_path) == []
