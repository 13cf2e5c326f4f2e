"""Single sign-on: who the directory's OpenID Connect provider says somebody is, and what that opens here.

allauth keeps the state, PKCE and the session. It takes an id_token that came over TLS without checking its
signature and knows no nonce; here each one is checked in full (OpenID Connect Core 1.0, 3.1.3.7): signature by
the provider's published keys, issuer, audience, authorised party, expiry and nonce. The subject decides who it
is; a verified address within one of a municipality's mail domains decides once, at the first login.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import jwt
import pghistory
import requests
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from strategy import history
from strategy.accounts import add_person, client_address, open_account
from strategy.models import Account, Assignment, MailDomain, Municipality, Person, Role, Unit
from strategy.walls import scope
from values.text import squeeze

security = logging.getLogger("medel.security")

PROVIDER = "directory"
# Signed with a key that only the provider has; "none" and the HS family are not among them.
ALGORITHMS = frozenset(
    f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)
) | frozenset({"EdDSA"})
# How far the provider's clock and ours may be apart, in seconds.
LEEWAY = 30
# How long the provider's description and keys are taken from memory, in seconds. An unknown key is asked for at once.
REMEMBERED = 600
# How long it is not asked again after it has not answered as it must, in seconds: nobody else waits for it meanwhile.
NOT_ASKED_AGAIN = 10
PERSONAL_NUMBER = re.compile(r"\d{6}[-+ ]?\d{4}")


class NotTrusted(Exception):
    """What the provider answered is not what it must be; the message is for the log."""


class Refused(Exception):
    """The provider is believed, but Medel lets nobody in on that; the message is for the person."""


# -- The provider's word ------------------------------------------------------------------------------------


def _on() -> Any:
    """What the environment says of the provider (config.environment.SingleSignOn). Off, there is no such page."""
    if settings.SINGLE_SIGN_ON is None:
        raise Http404
    return settings.SINGLE_SIGN_ON


class Directory(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """The one provider, from the settings alone; nobody signs up or connects accounts by hand."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        on = settings.SINGLE_SIGN_ON
        if on is None or provider not in (None, PROVIDER, OpenIDConnectProvider.id):
            return []
        return [
            SocialApp(
                provider=OpenIDConnectProvider.id,
                provider_id=PROVIDER,
                name=on.name or PROVIDER,
                client_id=on.client_id,
                secret=on.client_secret,
                settings={
                    "server_url": on.server_url.rstrip("/"),
                    "oauth_pkce_enabled": True,
                    "scope": list(on.scopes),
                    **({"token_auth_method": f"client_secret_{on.client_auth}"} if on.client_auth else {}),
                },
            )
        ]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False


class Provider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """The provider's addresses and keys, and its answers checked."""

    @property
    def openid_config(self) -> dict[str, Any]:
        address = f"{_on().server_url.rstrip('/')}/.well-known/openid-configuration"
        return _remembered(address, self._asked, check=_described)

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        # The site's own address, whatever Host the request came with: it is registered with the provider.
        if settings.LOCAL or settings.TESTING:
            return request.build_absolute_uri(reverse("single_sign_on_callback"))
        return settings.SITE_ADDRESS.rstrip("/") + reverse("single_sign_on_callback")

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        try:
            answer = super().get_access_token_data(request, app, client, pkce_code_verifier)
        except OAuth2Error as error:
            if _on().client_auth or "invalid_client" not in str(error):
                raise
            # A provider that knows both ways of giving the secret may take one alone from this client.
            client.basic_auth = not client.basic_auth
            answer = super().get_access_token_data(request, app, client, pkce_code_verifier)
        if not isinstance(answer, dict):
            raise NotTrusted("the provider's answer is none")
        return answer

    def claims(self, answer: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """What the provider says of the person: the id_token, checked, and what userinfo adds to it."""
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotTrusted("the answer has no id_token")
        claims = self.checked(token, nonce)
        told = self._userinfo(answer)
        if told and told.get("sub") != claims["sub"]:
            raise NotTrusted("userinfo speaks of another subject than the id_token")
        return {"userinfo": told, "id_token": claims}

    def checked(self, token: str, nonce: str) -> dict[str, Any]:
        """The id_token's claims. Raises NotTrusted unless all of it holds."""
        app = self.get_provider().app
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise NotTrusted(f"the id_token is none: {error}") from error
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise NotTrusted(f"the id_token is signed with {algorithm!r:.20}")
        claims = self._signed(token, algorithm, header.get("kid"), app.client_id)
        if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
            raise NotTrusted("the id_token names no subject")
        party = claims.get("azp")
        if party is not None and party != app.client_id:
            raise NotTrusted("the id_token is for another client (azp)")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and party is None:
            raise NotTrusted("the id_token is for several and does not say for whom (azp)")
        told = claims.get("nonce")
        if not nonce or not isinstance(told, str) or not hmac.compare_digest(told.encode(), nonce.encode()):
            raise NotTrusted("the id_token is not the answer to this question (nonce)")
        return claims

    def _signed(self, token: str, algorithm: str, kid: object, client_id: str) -> dict[str, Any]:
        """Checked with the keys that are remembered, and once more with newly fetched ones: keys are rotated."""
        address = self.openid_config["jwks_uri"]
        for fresh in (False, True):
            keys = _remembered(address, self._asked, fresh=fresh)
            key = _key(keys, algorithm, kid)
            if key is None:
                continue
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key,
                    algorithms=[algorithm],
                    audience=client_id,
                    issuer=self.openid_config["issuer"],
                    leeway=LEEWAY,
                    options={"require": ["iss", "sub", "aud", "exp", "iat"]},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError as error:
                raise NotTrusted(f"the id_token does not hold: {error}") from error
            return claims
        raise NotTrusted("the id_token is signed with a key that the provider does not publish")

    def _userinfo(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        address = self.openid_config.get("userinfo_endpoint")
        if not address or not answer.get("access_token"):
            return {}
        with Directory().get_requests_session() as session:
            response = session.get(address, headers={"Authorization": f"Bearer {answer['access_token']}"})
            response.raise_for_status()
        if "json" not in response.headers.get("Content-Type", ""):
            return {}  # signed userinfo; the id_token must do
        told = response.json()
        return told if isinstance(told, dict) else {}

    def _asked(self, address: str) -> dict[str, Any]:
        with Directory().get_requests_session() as session:
            response = session.get(address)
            response.raise_for_status()
        told = response.json()
        if not isinstance(told, dict):
            raise NotTrusted(f"{address} answers something else than it must")
        return told


def _remembered(address: str, ask: Any, *, fresh: bool = False, check: Any = None) -> dict[str, Any]:
    key = "single-sign-on-" + hashlib.sha256(address.encode()).hexdigest()
    told: dict[str, Any] | None = None if fresh else cache.get(key)
    if told is None:
        if failure := cache.get(f"{key}-failed"):
            raise requests.ConnectionError(f"not asked again so soon: {failure}")
        try:
            told = ask(address)
            if check is not None:
                check(told)
        except (requests.RequestException, NotTrusted) as error:
            cache.set(f"{key}-failed", f"{error!s:.300}", NOT_ASKED_AGAIN)
            raise
        cache.set(key, told, REMEMBERED)
    return told


def _described(told: Mapping[str, Any]) -> None:
    """OpenID Connect Discovery 4.3: the issuer that the description names is the one that was asked."""
    for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(told.get(name), str):
            raise NotTrusted(f"the provider's description has no {name}")
    if told["issuer"].rstrip("/") != _on().server_url.rstrip("/"):
        raise NotTrusted(
            f"the provider calls itself {told['issuer']!r:.200}, which is not MEDEL_OIDC_SERVER_URL"
        )


def _key(keys: Mapping[str, Any], algorithm: str, kid: object) -> jwt.PyJWK | None:
    fitting = []
    for one in keys.get("keys", ()):
        if not isinstance(one, dict) or one.get("use", "sig") != "sig" or one.get("kty") == "oct":
            continue
        if one.get("alg", algorithm) != algorithm or (kid is not None and one.get("kid") != kid):
            continue
        try:
            fitting.append(jwt.PyJWK(one, algorithm=algorithm))
        except jwt.PyJWTError:
            continue  # of another kind than the algorithm
    # Without a name for the key there must be one alone: nothing is tried until it fits.
    return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None


# -- From claims to person ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """What was said of somebody, cleaned. `unit` is None where nothing was said of it."""

    issuer: str
    subject: str
    email: str = ""
    email_is_verified: bool = False
    name: str = ""
    unit: str | None = None
    municipality_code: str = ""

    @property
    def uid(self) -> str:
        """Issuer and subject together name somebody; hashed, since together they may be longer than the column."""
        return hashlib.sha256(f"{self.issuer}\n{self.subject}".encode()).hexdigest()


def identity_of(told: Mapping[str, Mapping[str, Any]]) -> Identity:
    """`told` holds the claims of id_token and userinfo; what is signed goes first."""
    on = _on()
    sources = [told["id_token"], told["userinfo"]]

    def claim(name: str) -> str | None:
        return next(
            (_text(source[name]) for source in sources if name and source.get(name) is not None), None
        )

    email = (claim(on.mail_claim) or "").lower()
    # Whoever says that the address is verified says it of that address.
    verified = on.mail_claim == "email" and any(
        source.get("email_verified") in (True, "true") and _text(source.get("email")).lower() == email
        for source in sources
    )
    given = " ".join(filter(None, (claim("given_name"), claim("family_name"))))
    return Identity(
        issuer=told["id_token"]["iss"],
        subject=told["id_token"]["sub"],
        email=email,
        email_is_verified=bool(email) and (verified or on.trusts_mail),
        name=_name(claim(on.name_claim) or given, email),
        unit=claim(on.unit_claim) or None,
        municipality_code=claim(on.municipality_claim) or "",
    )


def _text(value: object) -> str:
    """A claim as text; of a list the first. Nothing that a page or the database cannot hold."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    return squeeze("".join(sign if sign.isprintable() else " " for sign in str(value)))[:254]


def _name(told: str, email: str) -> str:
    """A name without personal identity number, which some directories write into it; else the address's first part."""
    local = email.partition("@")[0].replace(".", " ").replace("_", " ").title()
    for one in (told, local):
        if PERSONAL_NUMBER.search(one):
            # With it every other figure: what stood around a number could be one when it has gone.
            one = squeeze(re.sub(r"[-+]*\d[-+\d]*", " ", one))
        if name := one.strip(" ,;()-+")[:120].strip():
            return name
    return _("Name not stated")


def let_in(identity: Identity, today: date) -> SocialAccount:
    """The account that the subject opens, made or joined at the first login. Raises Refused with a sentence."""
    with scope():
        joined = _joined(identity)
        if joined is None:
            with connection.cursor() as cursor:
                # One first login at a time: two windows must not make two persons.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('medel single sign-on'))")
            joined = _joined(identity)
            if joined is None:
                return _first_login(identity, today)
        # It may run the installation only since it was joined.
        _not_of_the_installation(joined.user)
        if joined.user.is_active:
            _follow_the_unit(joined, identity, today)
        return joined


def _joined(identity: Identity) -> SocialAccount | None:
    rows = SocialAccount.objects.select_related("user")
    found: SocialAccount | None = rows.filter(provider=PROVIDER, uid=identity.uid).first()
    return found


def _first_login(identity: Identity, today: date) -> SocialAccount:
    place = _municipality(identity)
    person_id, account = _known(identity)
    with scope(place.pk, person=person_id), _act(place, person_id):
        if person_id is None:
            person = add_person(name=identity.name, email=identity.email, municipality=place)
            # The act is the person's own, whose key was not known before.
            pghistory.context(person=person.pk)
        else:
            person = Person.objects.get(pk=person_id)
            if person.made_anonymous_on is not None:
                raise Refused(_("This person has left. Ask your municipality's administrator."))
        held = Assignment.objects.filter(municipality=place, person=person).valid_on(today)
        given = None if held.exists() else _give(person, place, _unit(place, identity.unit, today), today)
        account = account or open_account(person)
        joined: SocialAccount = SocialAccount.objects.create(
            user=account,
            provider=PROVIDER,
            uid=identity.uid,
            extra_data={
                "issuer": identity.issuer,
                "subject": identity.subject,
                "municipality": place.pk,
                # The assignment that the login gave and may move: no other.
                "assignment": given.pk if given else None,
            },
        )
    security.info("single sign-on: subject joined to account %s (person %s)", account.pk, account.person_id)
    return joined


def _municipality(identity: Identity) -> Municipality:
    """The municipality whose mail domain the verified address lies in."""
    if not identity.email:
        raise Refused(
            _(
                "Your work account does not tell Medel your e-mail address. "
                "Ask your IT department to let the login pass it on."
            )
        )
    try:
        validate_email(identity.email)
    except ValidationError:
        raise Refused(
            _("Your work account tells Medel an e-mail address that is none. Ask your IT department.")
        ) from None
    if not identity.email_is_verified:
        raise Refused(
            _(
                "Your work account does not say that your e-mail address is verified. "
                "Ask your IT department: the provider must send email_verified."
            )
        )
    domain = identity.email.rpartition("@")[2]
    known = MailDomain.objects.filter(domain=domain).select_related("municipality").first()
    if known is None:
        raise Refused(
            _(
                "No municipality here has addresses that end with %(domain)s. "
                "Ask your municipality's administrator to add the mail domain."
            )
            % {"domain": domain}
        )
    if not identity.municipality_code:
        return known.municipality
    named = Municipality.objects.filter(code=identity.municipality_code).first()
    if named is None:
        raise Refused(
            _(
                "Your work account says that you belong to the municipality with the code %(code)s, "
                "which is not here. Ask your IT department."
            )
            % {"code": identity.municipality_code[:20]}
        )
    return named


def _known(identity: Identity) -> tuple[int | None, Account | None]:
    """The person and the account that have the address. Refuses what nobody may take over by an address."""
    account = Account.objects.filter(email=identity.email).first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT medel_person_with_address(%s)", [identity.email])
        person_id: int | None = cursor.fetchone()[0]
    if account is None and person_id is not None:
        account = Account.objects.filter(person_id=person_id).first()
    if account is None:
        return person_id, None
    taken = SocialAccount.objects.filter(user=account).exists()
    if taken or (person_id is not None and account.person_id != person_id):
        security.warning(
            "single sign-on refused: another subject asks for account %s (person %s)",
            account.pk,
            account.person_id,
        )
        raise Refused(
            _(
                "Your e-mail address already belongs to another login here, perhaps of somebody who had it before you. "
                "Ask your IT department to disconnect it."
            )
        )
    _not_of_the_installation(account)
    if not account.is_active:
        raise Refused(_("The account is closed. Ask your municipality's administrator if you need it again."))
    return account.person_id, account


def _not_of_the_installation(account: Account) -> None:
    if account.runs_installation:
        security.warning("single sign-on refused: account %s runs the installation", account.pk)
        raise Refused(
            _(
                "The account that runs the installation is opened with its password, not with the work account."
            )
        )


def _act(place: Municipality, person_id: int | None) -> Any:
    with translation.override(settings.LANGUAGE_CODE):
        return history.context(person=person_id, municipality=place.pk, reason=_("Single sign-on"))


def _unit(place: Municipality, told: str | None, today: date) -> Unit | None:
    """The unit by any of its names; None where it is not found, or several have the name."""
    if not told:
        return None
    units = Unit.objects.filter(municipality=place).valid_on(today)
    current = _named(units, Q(name__iexact=told))
    return current or _named(units, Q(names__name__iexact=told))


def _named(units: QuerySet[Unit], condition: Q) -> Unit | None:
    found = list(units.filter(condition).distinct()[:2])
    return found[0] if len(found) == 1 else None


def _give(person: Person, place: Municipality, unit: Unit | None, today: date) -> Assignment | None:
    """A plain employee from today; None where the person is one there already. Ends before one that begins later."""
    later = (
        Assignment.objects.filter(municipality=place, person=person, role=Role.EMPLOYEE, unit=unit)
        .exclude(ends_on__lt=today)
        .order_by("starts_on")
        .first()
    )
    if later is not None and later.starts_on <= today:
        return None
    return Assignment.objects.create(
        municipality=place,
        person=person,
        role=Role.EMPLOYEE,
        unit=unit,
        starts_on=today,
        ends_on=later.starts_on - timedelta(days=1) if later else None,
    )


def _follow_the_unit(joined: SocialAccount, identity: Identity, today: date) -> None:
    """Moves the assignment that a login gave when the directory names another unit. Nothing else is touched:
    what an administrator has given, changed in role or ended stays."""
    place_id, assignment_id = joined.extra_data.get("municipality"), joined.extra_data.get("assignment")
    place = Municipality.objects.filter(pk=place_id).first()
    if identity.unit is None or place is None or assignment_id is None:
        return
    person_id = joined.user.person_id
    with scope(place.pk, person=person_id):
        unit = _unit(place, identity.unit, today)
        standing = (
            Assignment.objects.filter(
                municipality=place, pk=assignment_id, person=person_id, role=Role.EMPLOYEE
            )
            .valid_on(today)
            .select_for_update()
            .first()
        )
        if standing is None or standing.unit_id == (unit.pk if unit else None):
            return
        with _act(place, person_id):
            if standing.starts_on == today:
                # It has not held a whole day yet: there is no day before on which it could end.
                standing.unit = unit
                standing.save(update_fields=["unit"])
                return
            standing.ends_on = today - timedelta(days=1)
            standing.save(update_fields=["ends_on"])
            given = _give(Person.objects.get(pk=person_id), place, unit, today)
            joined.extra_data["assignment"] = given.pk if given else None
            joined.save(update_fields=["extra_data"])


# -- Pages --------------------------------------------------------------------------------------------------


def _provider(request: HttpRequest) -> tuple[OpenIDConnectProvider, Provider]:
    _on()
    return Directory(request).get_provider(request, PROVIDER), Provider(request, PROVIDER)


@require_POST
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Sends the person to the provider, by a page that moves on by itself: a redirect after a form would have to be
    allowed by the content security policy for each address on the provider's way."""
    provider, adapter = _provider(request)
    try:
        client = adapter.get_client(request, provider.app)
        authorize_url = adapter.authorize_url
    except (requests.RequestException, NotTrusted) as error:
        return _away(request, error)
    nonce = secrets.token_urlsafe(24)
    pkce = provider.get_pkce_params()
    client.state = provider.stash_redirect_state(
        request,
        "login",
        get_next_redirect_url(request),
        pkce_code_verifier=pkce.pop("code_verifier"),
        nonce=nonce,
    )
    address = client.get_redirect_url(authorize_url, provider.get_scope(), {"nonce": nonce, **pkce})
    return render(request, "socialaccount/on_the_way.html", {"address": address})


@require_safe
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Where the provider sends the person back to."""
    provider, adapter = _provider(request)
    state = statekit.unstash_state(request, provider_id=PROVIDER, state_id=request.GET.get("state", ""))
    if state is None and "error" not in request.GET:
        return _refused(
            request,
            _("This login is too old, or was begun in another browser. Log in again."),
            status=400,
        )
    if state is None or "error" in request.GET or "code" not in request.GET:
        # Some providers leave the state out when they refuse. Nothing is done on it.
        security.warning(
            "single sign-on refused by the provider: %.60r from %s",
            request.GET.get("error", ""),
            client_address(request),
        )
        return _refused(
            request,
            _(
                "Your organisation's login did not let you in. "
                "Try again, and ask your IT department if it happens again: your account may have been closed."
            ),
        )
    try:
        issuer = request.GET.get("iss")
        if issuer is not None and issuer != adapter.openid_config["issuer"]:
            raise NotTrusted("another provider answered (iss)")
        client = adapter.get_client(request, provider.app)
        answer = adapter.get_access_token_data(
            request, provider.app, client, pkce_code_verifier=state.get("pkce_code_verifier")
        )
        identity = identity_of(adapter.claims(answer, state.get("nonce", "")))
    except requests.RequestException as error:
        if error.response is not None and error.response.status_code < 500:
            # The provider stands, and takes back what it said: the account was closed meanwhile.
            return _refused(request, _not_confirmed(), logged=error)
        return _away(request, error)
    except (OAuth2Error, NotTrusted) as error:
        return _refused(request, _not_confirmed(), logged=error)
    try:
        joined = let_in(identity, timezone.localdate())
    except IntegrityError:
        # An administrator added the same person in the same moment.
        return _refused(request, _("Your account is just being made. Log in again."), status=409)
    except Refused as refusal:
        security.warning("single sign-on: not let in, from %s", client_address(request))
        return _refused(request, str(refusal))
    with scope():
        login = SocialLogin(
            user=Account(),
            account=SocialAccount(provider=PROVIDER, uid=joined.uid, extra_data=joined.extra_data),
            provider=provider,
        )
        login.state = state
        try:
            response: HttpResponse = complete_social_login(request, login)
        except ImmediateHttpResponse as answer_at_once:
            response = answer_at_once.response
    return response


def _not_confirmed() -> str:
    return _(
        "Your organisation's login did not confirm who you are. "
        "Try again, and ask your IT department if it happens again: your account may have been closed."
    )


def _refused(
    request: HttpRequest, sentence: str, *, status: int = 403, logged: Exception | None = None
) -> HttpResponse:
    if logged is not None:
        security.warning("single sign-on refused: %.300s from %s", logged, client_address(request))
    return render(request, "socialaccount/refused.html", {"sentence": sentence}, status=status)


def _away(request: HttpRequest, error: Exception) -> HttpResponse:
    security.error("single sign-on: the provider does not answer as it must: %.300s", error)
    return render(request, "socialaccount/away.html", status=502)
