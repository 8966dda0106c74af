"""Signing in with OpenID Connect: a real provider on loopback, the real app, a real browser."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request

from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import expect
from streamlit.web.server.starlette.starlette_app_utils import (
    create_signed_value,
    decode_signed_value,
)
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from tests.fixtures.browser import PATIENCE_MS, free_port, served_at

COOKIE_SECRET = "a long word that only this server knows"


def _claims(provider, subject, **claims):
    request = urllib.request.Request(
        f"http://localhost:{provider.server_port}/users/{subject}",
        data=json.dumps(claims).encode(),
        method="PUT",
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()


def _put(address, cookies=()):
    """Status of an upload."""
    words = "; ".join(f"{one['name']}={one['value']}" for one in cookies)
    request = urllib.request.Request(
        f"{address}/_stcore/upload_file/s/f",
        data=b"x" * 100,
        method="PUT",
        headers={"Cookie": words, "Origin": address},
    )
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


def _sign_in(window, address, subject):
    window.goto(address)
    expect(window.get_by_role("link", name="Sign in")).to_be_visible()
    window.get_by_role("link", name="Sign in").click()
    window.locator("input[name=sub]").fill(subject)
    window.get_by_role("button", name="Authorize").click()


def _aged(cookies, seconds):
    """The cookies of a sign-in that many seconds earlier, signed as Streamlit signs them."""
    (user,) = (one for one in cookies if one["name"] == USER_COOKIE_NAME)
    stored = decode_signed_value(COOKIE_SECRET, USER_COOKIE_NAME, user["value"])
    claims = json.loads(stored or b"")
    claims["iat"] -= seconds
    signed = create_signed_value(COOKIE_SECRET, USER_COOKIE_NAME, json.dumps(claims))
    return [{**one, "value": signed.decode()} if one is user else one for one in cookies]


def test_sign_in_expiry_sign_out_and_a_claim_that_changes(chromium, tmp_path):
    port = free_port()
    home = tmp_path / "home"
    (home / ".streamlit").mkdir(parents=True)
    ada = User(sub="ada", claims={"email": "ada@clinic.example", "email_verified": True})
    with run_server_in_thread(user_claims=[ada]) as provider:
        (home / ".streamlit" / "secrets.toml").write_text(
            "[auth]\n"
            f'redirect_uri = "http://localhost:{port}/oauth2callback"\n'
            f'cookie_secret = "{COOKIE_SECRET}"\n'
            'client_id = "hemadesk"\nclient_secret = "a secret of the client"\n'
            f'server_metadata_url = "http://localhost:{provider.server_port}'
            '/.well-known/openid-configuration"\n'
        )
        environment = {
            "HOME": str(home),
            "HEMADESK_VAR": str(tmp_path / "var"),
            "HEMADESK_ADMINISTRATORS": "ada@clinic.example",
        }
        with served_at(port, tmp_path / "log.txt", environment):
            address = f"http://localhost:{port}"
            context = chromium.new_context()
            context.set_default_timeout(PATIENCE_MS)
            window = context.new_page()
            opened = []
            window.on("websocket", lambda one: opened.append(one.url))
            _sign_in(window, address, "ada")
            assert opened == [], "no session before the sign-in"
            assert _put(address) == 401
            # The menu is drawn before the models are loaded, which is not waited for here.
            expect(window.get_by_role("button", name="Work")).to_be_visible()
            assert opened
            assert _put(address, context.cookies()) != 401

            # The same sign-in, half a day ago: nothing opens, and what to do is said.
            fresh = context.cookies()
            context.clear_cookies()
            context.add_cookies(_aged(fresh, 12 * 3600 + 60))
            opened.clear()
            window.goto(address)
            expect(window.get_by_text("You signed in more than 12 hours ago")).to_be_visible()
            expect(window.get_by_role("link", name="Sign in")).to_be_visible()
            assert opened == [] and _put(address, context.cookies()) == 401

            # The provider now says another address: whom nobody has added here.
            _claims(provider, "ada", email="ada@elsewhere.example", email_verified=True)
            _sign_in(window, address, "ada")
            expect(window.get_by_text(re.compile("whom nobody has added here"))).to_be_visible()
            # Signed out here and, by the standard's end_session_endpoint, at the provider.
            window.get_by_role("button", name="Sign out").click()
            expect(window.get_by_text("post_logout_redirect_uri")).to_have_count(1)
            window.get_by_role("button", name="End session").click()
            opened.clear()
            expect(window.get_by_role("link", name="Sign in")).to_be_visible()
            assert opened == [] and _put(address, context.cookies()) == 401
            assert USER_COOKIE_NAME not in {one["name"] for one in context.cookies()}
            context.close()
