"""How a person is identified: alone at a computer, through st.login, or named by a proxy.

On a loopback address nobody has to be set up: whoever sits at the computer is the local person.
An address that others reach needs a sign-in, or nothing is served.

Behind a proxy the header with the name counts only together with a secret that the proxy alone
knows. Addresses would not do: uvicorn takes ``X-Forwarded-For`` for the sender's own address.
"""

import hmac
import ipaddress
import json
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from core.access.people import LOCAL_SUBJECT, Person
from core.settings import ROOT, Settings, settings

Mode = Literal["local", "oidc", "proxy", "public"]
"""``public`` is a demo for strangers: nobody signs in, and nobody changes anything."""

SECRET_HEADER: Final = "X-Hemadesk-Proxy-Secret"
_SHORTEST_SECRET: Final = 16
_FORWARDED: Final = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-Ip")


class ServingRefused(ValueError):
    """An address that must not be served with these settings; the message says what is missing."""


class SignInRefused(ValueError):
    """Somebody who cannot be let in; the message is for them."""


class SignInExpired(SignInRefused):
    """A sign-in that is too old; the person signs in again."""


def is_loopback(address: str | None) -> bool:
    """Whether ``address`` is reached from this computer only; None and "" are all addresses."""
    if not address:
        return False
    if address.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def oidc_configured(files: Sequence[Path] | None = None) -> bool:
    """Whether one of Streamlit's secrets files has the ``[auth]`` table that ``st.login`` needs."""
    for file in files or (
        ROOT / ".streamlit" / "secrets.toml",
        Path.home() / ".streamlit" / "secrets.toml",
    ):
        try:
            auth: Any = tomllib.loads(file.read_text()).get("auth", {})
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        if not isinstance(auth, dict) or not (
            auth.get("redirect_uri") and auth.get("cookie_secret")
        ):
            continue
        # One provider stands in [auth] itself, several in [auth.NAME].
        providers = [auth, *(part for part in auth.values() if isinstance(part, dict))]
        if any(part.get("client_id") and part.get("client_secret") for part in providers):
            return True
    return False


def mode(address: str | None, *, oidc: bool | None = None, site: Settings | None = None) -> Mode:
    """How people are identified when ``address`` is served.

    Args:
        address: what the server listens on, as in ``server.address``.
        oidc: whether ``st.login`` is configured; looked up if not given.
        site: the settings of the site; those of this process if not given.

    Raises:
        ServingRefused: for an address that others reach, without a sign-in; and for one half of
            a proxy's settings.
    """
    site = site or settings()
    if site.demo == "public":
        return "public"
    secret = site.proxy_secret.get_secret_value()
    if site.proxy_header or secret:
        if not site.proxy_header:
            raise ServingRefused(
                "HEMADESK_PROXY_SECRET is set but HEMADESK_PROXY_HEADER is not: name the header in "
                "which the proxy sends who is signed in."
            )
        if len(secret) < _SHORTEST_SECRET:
            raise ServingRefused(
                "HEMADESK_PROXY_HEADER needs HEMADESK_PROXY_SECRET with at least "
                f"{_SHORTEST_SECRET} characters, which the proxy sends in {SECRET_HEADER}: without "
                "it anybody could claim to be anybody."
            )
        return "proxy"
    if oidc_configured() if oidc is None else oidc:
        return "oidc"
    if not is_loopback(address):
        raise ServingRefused(
            f"Hemadesk does not serve {address or 'all addresses of this computer'}: others could "
            "reach it and nobody would have to sign in. Serve 127.0.0.1, or set up a sign-in: "
            "[auth] in .streamlit/secrets.toml for OpenID Connect, or HEMADESK_PROXY_HEADER and "
            "HEMADESK_PROXY_SECRET for a proxy that signs people in."
        )
    return "local"


def local_person(header: Callable[[str], Sequence[str]]) -> Person:
    """The person at the computer.

    Args:
        header: values of a header of the request, by name.

    Raises:
        SignInRefused: if the request came through a proxy: the sender may be anywhere then.
    """
    if any(header(name) for name in _FORWARDED):
        raise SignInRefused(
            "A proxy has sent this request on, but no sign-in is set up, so nobody knows who you "
            "are. Set HEMADESK_PROXY_HEADER and HEMADESK_PROXY_SECRET, or OpenID Connect."
        )
    site = settings()
    return Person(site.local_person, site.local_role, LOCAL_SUBJECT)


def proxy_subject(header: Callable[[str], Sequence[str]], site: Settings | None = None) -> str:
    """The person whom the trusted proxy names.

    Raises:
        SignInRefused: without the proxy's secret, or without exactly one name.
    """
    site = site or settings()
    expected = site.proxy_secret.get_secret_value().encode()
    sent = list(header(SECRET_HEADER))
    if len(sent) != 1 or not hmac.compare_digest(sent[0].encode(), expected):
        raise SignInRefused(
            "This request did not come through the sign-in of this site. Open Hemadesk at the "
            "address your administrator gave you."
        )
    names = [name.strip() for name in header(site.proxy_header)]
    if len(names) != 1 or not names[0]:
        raise SignInRefused("The sign-in of this site did not say who you are. Sign in again.")
    return names[0].casefold()


def oidc_subject(
    claims: Mapping[str, Any], site: Settings | None = None, now: float | None = None
) -> tuple[str, str]:
    """Subject and name of somebody signed in through ``st.login``.

    Args:
        claims: of the provider's ID token.
        site: the settings of the site; those of this process if not given.
        now: seconds since 1970; the clock's if not given.

    Raises:
        SignInExpired: if the token was issued (``iat``) longer ago than ``HEMADESK_SESSION_HOURS``.
        SignInRefused: without the claim that names a person, or with an unverified address.
    """
    site = site or settings()
    issued = claims.get("iat")
    # Streamlit's cookie lives for 30 days whatever the provider says.
    age_s = (time.time() if now is None else now) - issued if isinstance(issued, int) else 0.0
    if site.session_hours and age_s > 3600 * site.session_hours:
        raise SignInExpired(
            f"You signed in more than {site.session_hours:g} hours ago. Sign in again."
        )
    subject = str(claims.get(site.oidc_claim) or "").strip().casefold()
    if not subject:
        raise SignInRefused(
            f"Your sign-in did not send {site.oidc_claim}, by which people are known here. "
            "Ask your administrator."
        )
    if site.oidc_claim == "email" and claims.get("email_verified") is False:
        raise SignInRefused(f"{subject} is not verified at your sign-in. Verify it there first.")
    return subject, str(claims.get("name") or subject).strip()


def subject_in_cookie(cookie: bytes | None, site: Settings | None = None) -> str | None:
    """Subject of the sign-in's cookie, whose signature was checked; None where nobody is in it.

    Raises:
        SignInRefused: for somebody whom the provider knows and this site does not take.
    """
    try:
        claims = json.loads(cookie or b"{}")
    except ValueError:
        return None
    if not isinstance(claims, dict) or not claims.get("is_logged_in"):
        return None
    return oidc_subject(claims, site)[0]


def named_administrator(subject: str, site: Settings | None = None) -> bool:
    """Whether the settings name ``subject`` as an administrator."""
    named = (site or settings()).administrators.split(",")
    return subject in {name.strip().casefold() for name in named if name.strip()}
