"""Typed readers of the environment. A missing or malformed value stops the start with one sentence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Where plain http leaves the machine not.
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def given(name: str) -> bool:
    """Whether the environment has a value, by itself or in a file."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set.")
    return value


def secret(name: str, default: str | None = None) -> str:
    """The value of NAME, or the contents of the file that NAME_FILE names (for container secrets)."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error}.") from error
    return text(name, default)


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name)
    if value is None or value == "":
        return default
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int) -> int:
    value = os.environ.get(name)
    if value is None or value == "":
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(address: str, *, as_role: str | None = None) -> dict[str, object]:
    """Django's database settings for postgresql://user:password@host:port/name?host=/socket/folder.

    `as_role` makes every connection begin as that role: for an installation whose only address is
    the owner's.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"postgresql", "postgres"} or len(parts.path) < 2:
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name; correct it and start again."
        )
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    options: dict[str, object] = {key: value for key, value in query.items() if key not in {"host", "port"}}
    # jit compiles a statement for 200 ms that none of ours is worth (docs/performance.md).
    flags = [str(options.get("options", "")), "-c jit=off", f"-c role={as_role}" if as_role else ""]
    options["options"] = " ".join(flag for flag in flags if flag)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or unquote(parts.hostname or ""),
        "PORT": query.get("port") or str(port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


@dataclass(frozen=True)
class SingleSignOn:
    """The directory's OpenID Connect provider, and which of its claims say who somebody is."""

    server_url: str
    client_id: str
    client_secret: str
    name: str = ""  # what the button says: "Log in with …"; empty: with the work account
    unit_claim: str = "department"
    mail_claim: str = "email"
    name_claim: str = "name"
    municipality_claim: str = ""
    # The directory's addresses are its own: taken without `email_verified`.
    trusts_mail: bool = False
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    # How the secret is given: basic or post; empty tries what the provider says, and the other if that is refused.
    client_auth: str = ""


def single_sign_on() -> SingleSignOn | None:
    """What MEDEL_OIDC_… says, or None where none of the three that it takes is given. Half of them stops the start."""
    names = ("MEDEL_OIDC_SERVER_URL", "MEDEL_OIDC_CLIENT_ID", "MEDEL_OIDC_CLIENT_SECRET")
    missing = [name for name in names if not given(name)]
    if len(missing) == len(names):
        if half := sorted(name for name in os.environ if name.startswith("MEDEL_OIDC_") and os.environ[name]):
            raise ImproperlyConfigured(
                f"{half[0]} is set, but single sign-on also takes {', '.join(names)}: set them, or take it away."
            )
        return None
    if missing:
        raise ImproperlyConfigured(
            f"Single sign-on is half configured: set {' and '.join(missing)} as well, or take the others away."
        )
    server = text(names[0]).strip().partition("/.well-known/")[0]
    parts = urlsplit(server)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ImproperlyConfigured(
            f"{names[0]} must begin with https://, not {server!r}: the provider is asked who somebody is."
        )
    scopes = text("MEDEL_OIDC_SCOPES", "openid profile email").replace(",", " ").split()
    if "openid" not in scopes:
        raise ImproperlyConfigured("MEDEL_OIDC_SCOPES must contain openid.")
    return SingleSignOn(
        server_url=server,
        client_id=text(names[1]),
        client_secret=secret(names[2]),
        name=text("MEDEL_OIDC_NAME", ""),
        unit_claim=os.environ.get("MEDEL_OIDC_UNIT_CLAIM") or "department",
        mail_claim=os.environ.get("MEDEL_OIDC_MAIL_CLAIM") or "email",
        name_claim=os.environ.get("MEDEL_OIDC_NAME_CLAIM") or "name",
        municipality_claim=os.environ.get("MEDEL_OIDC_MUNICIPALITY_CLAIM", ""),
        trusts_mail=flag("MEDEL_OIDC_TRUST_MAIL"),
        scopes=tuple(scopes),
        client_auth=one_of("MEDEL_OIDC_CLIENT_AUTH", "", "", "basic", "post"),
    )


def one_of(name: str, default: str, *choices: str) -> str:
    value = os.environ.get(name) or default
    if value not in choices:
        raise ImproperlyConfigured(
            f"{name} must be one of {', '.join(filter(None, choices))}, not {value!r}."
        )
    return value
