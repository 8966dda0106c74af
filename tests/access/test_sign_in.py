"""Who is let in, and which addresses are served; headers and claims as the real ones look."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import SecretStr

from core.access import sign_in
from core.access.sign_in import ServingRefused, SignInRefused
from core.settings import Settings
from tests.fixtures.paths import ROOT

SECRET = "a secret of the proxy"


def site(**values):
    return Settings(_env_file=None, **values)


PROXY = site(proxy_header="X-Remote-User", proxy_secret=SecretStr(SECRET))


def request(**headers):
    """Values of a header by its name, as Streamlit's ``headers.get_all`` gives them."""
    sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}

    def get_all(name):
        value = sent.get(name.lower(), [])
        return [value] if isinstance(value, str) else value

    return get_all


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.9.9.9", "[::1]"])
def test_a_computer_of_ones_own_needs_no_set_up(address):
    assert sign_in.mode(address, oidc=False, site=site()) == "local"


@pytest.mark.parametrize("address", ["0.0.0.0", "", None, "::", "192.168.1.4", "clinic.example"])
def test_an_address_others_reach_is_refused_without_a_sign_in(address):
    with pytest.raises(ServingRefused, match="nobody would have to sign in"):
        sign_in.mode(address, oidc=False, site=site())
    assert sign_in.mode(address, oidc=True, site=site()) == "oidc"
    assert sign_in.mode(address, oidc=False, site=PROXY) == "proxy"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"proxy_header": "X-Remote-User"}, "needs HEMADESK_PROXY_SECRET"),
        ({"proxy_header": "X-Remote-User", "proxy_secret": SecretStr("short")}, "at least 16"),
        ({"proxy_secret": SecretStr(SECRET)}, "HEMADESK_PROXY_HEADER is not"),
    ],
)
def test_half_a_proxy_is_none_even_on_loopback(values, words):
    with pytest.raises(ServingRefused, match=words):
        sign_in.mode("127.0.0.1", oidc=False, site=site(**values))


def test_the_proxy_says_who_it_is():
    headers = request(X_Remote_User="Anna@Lab.Example ", X_Hemadesk_Proxy_Secret=SECRET)
    assert sign_in.proxy_subject(headers, PROXY) == "anna@lab.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Remote_User": "anna"},
        {"X_Remote_User": "anna", "X_Hemadesk_Proxy_Secret": "a secret of the prox"},
        {"X_Remote_User": "anna", "X_Hemadesk_Proxy_Secret": [SECRET, "another"]},
        {"X_Remote_User": "", "X_Hemadesk_Proxy_Secret": SECRET},
        {"X_Remote_User": ["anna", "bert"], "X_Hemadesk_Proxy_Secret": SECRET},
        {"X_Hemadesk_Proxy_Secret": SECRET},
    ],
)
def test_a_header_that_anybody_could_send_lets_nobody_in(headers):
    with pytest.raises(SignInRefused):
        sign_in.proxy_subject(request(**headers), PROXY)


def test_whoever_comes_through_a_proxy_is_not_the_local_person():
    assert sign_in.local_person(request()).role == "local"
    with pytest.raises(SignInRefused, match="no sign-in is set up"):
        sign_in.local_person(request(X_Forwarded_For="203.0.113.9"))


def test_claims_of_openid_connect():
    claims = {"email": "Anna@Lab.example", "name": "Anna A.", "email_verified": True}
    assert sign_in.oidc_subject(claims, site()) == ("anna@lab.example", "Anna A.")
    assert sign_in.oidc_subject({"sub": "42"}, site(oidc_claim="sub")) == ("42", "42")
    with pytest.raises(SignInRefused, match="did not send email"):
        sign_in.oidc_subject({"sub": "42"}, site())
    with pytest.raises(SignInRefused, match="not verified"):
        sign_in.oidc_subject({**claims, "email_verified": False}, site())


@pytest.mark.parametrize(
    ("text", "set_up"),
    [
        ("", False),
        ("[auth]\nredirect_uri = 'https://x/oauth2callback'\n", False),
        (
            "[auth]\nredirect_uri='u'\ncookie_secret='c'\nclient_id='i'\nclient_secret='s'\n",
            True,
        ),
        (
            "[auth]\nredirect_uri='u'\ncookie_secret='c'\n"
            "[auth.lab]\nclient_id='i'\nclient_secret='s'\n",
            True,
        ),
        ("[auth\n", False),
    ],
)
def test_openid_connect_is_set_up_by_streamlits_secrets(tmp_path, text, set_up):
    file = tmp_path / "secrets.toml"
    file.write_text(text)
    assert sign_in.oidc_configured([file]) is set_up


def test_serve_refuses_before_it_starts():
    command = [sys.executable, "-m", "core", "serve", "--address", "0.0.0.0"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("Hemadesk does not serve 0.0.0.0: others could reach it")
    assert "Traceback" not in ran.stderr


def test_a_sign_in_grows_old():
    day = site(session_hours=24)
    claims = {"email": "ada@clinic.example", "iat": 1_000_000}
    assert sign_in.oidc_subject(claims, day, now=1_000_000 + 23 * 3600)[0] == "ada@clinic.example"
    with pytest.raises(sign_in.SignInExpired, match="more than 24 hours ago. Sign in again"):
        sign_in.oidc_subject(claims, day, now=1_000_000 + 25 * 3600)
    assert sign_in.oidc_subject(claims, site(session_hours=0), now=9e9)
