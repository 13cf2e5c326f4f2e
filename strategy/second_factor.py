"""The second factor of local accounts: a code from an authenticator app (TOTP), and recovery codes.

Who comes through single sign-on has the directory's second factor. Here the secrets are encrypted under the
site's secret key, wrong codes are counted with the account (whatever the address, in whichever process), and
who has lost the app has it taken away by the administrator.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.forms import ReauthenticateForm as AllauthPasswordAgainForm
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.account.views import reauthenticate as allauth_password_again
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.core.internal.cryptokit import compare_user_code, normalize_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import views as base_views
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp import views as totp_views
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.forms import GroupedForm
from strategy import history
from strategy.models import Account, Person, Role

security = logging.getLogger("medel.security")

# So many wrong codes in a row; then none is looked at for a while. Guessing one of a million takes the password too.
WRONG_CODES = 5
WAIT = timedelta(minutes=15)
# With the authenticator: the number of the half minute whose code was taken last (RFC 6238's T). A code of that
# one or an earlier one is not taken, however it is written.
LAST_STEP = "last_step"


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy(
            "The code is wrong or too old. Write the six digits that the app shows now, or a recovery code."
        ),
    }

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def build_totp_svg(self, url: str) -> str:
        """Inline, without a style attribute, which the content security policy would not let through."""
        import qrcode

        code = qrcode.QRCode(border=4)
        code.add_data(url)
        rows = code.get_matrix()
        path = "".join(
            f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
        )
        side = len(rows)
        return format_html(
            '<svg xmlns="http://www.w3.org/2000/svg" class="qr" role="img" aria-label="{label}"'
            ' width="240" height="240" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
            '<rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>',
            label=_("QR code for the authenticator app. The key stands in letters below."),
            side=side,
            path=path,
        )


def _box() -> MultiFernet:
    """The key is derived from the site's own; former keys (SECRET_KEY_FALLBACKS) still open what they closed."""
    return MultiFernet(
        Fernet(
            base64.urlsafe_b64encode(
                hashlib.blake2b(str(key).encode(), digest_size=32, person=b"second factor").digest()
            )
        )
        for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    )


class AskForCode(AuthenticateStage):  # type: ignore[misc]
    """After the password. The directory has asked for its own factor where single sign-on is used."""

    def _should_handle(self, request: HttpRequest) -> bool:
        if (self.login.signal_kwargs or {}).get("sociallogin") is not None:
            return False
        return bool(super()._should_handle(request))


# -- Forms ------------------------------------------------------------------------------------------------


class _Code:
    """Checks a code against what the account has, counting wrong ones in the database."""

    fields: dict[str, Any]
    cleaned_data: dict[str, Any]
    user: Account

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = _("Code")
        field.help_text = _("Six digits from the app, or one of your recovery codes.")
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs.update({"autocomplete": "one-time-code", "inputmode": "numeric"})

    def clean_code(self) -> str:
        code: str = normalize_user_code(self.cleaned_data["code"])
        found = {
            one.type: one for one in Authenticator.objects.select_for_update().filter(user_id=self.user.pk)
        }
        counted = found.get(Authenticator.Type.TOTP)
        if counted is None:
            raise ValidationError(_("This account has no second factor any more. Log in again."))
        _stop_guessing(counted)
        for authenticator in (counted, found.get(Authenticator.Type.RECOVERY_CODES)):
            if authenticator is not None and self._opens(authenticator, code):
                authenticator.user = self.user
                self.authenticator = authenticator
                counted.data["wrong"] = 0
                counted.save(update_fields=["data"])
                return code
        wrong = counted.data.get("wrong", 0) + 1
        counted.data.update(wrong=wrong, wrong_at=timezone.now().isoformat())
        counted.save(update_fields=["data"])
        security.warning("wrong second factor: account %s (person %s)", self.user.pk, self.user.person_id)
        raise SecondFactors().validation_error("incorrect_code")

    def _opens(self, authenticator: Authenticator, code: str) -> bool:
        try:
            if authenticator.type != Authenticator.Type.TOTP:
                return bool(authenticator.wrap().validate_code(code))
            step = step_of(SecondFactors().decrypt(authenticator.data["secret"]), code)
            if step is None or step <= authenticator.data.get(LAST_STEP, -1):
                return False
            authenticator.data[LAST_STEP] = step
            return True
        except InvalidToken:
            security.error("the second factor of account %s was closed with another key", self.user.pk)
            raise ValidationError(
                _(
                    "Your second factor cannot be read any more, because the site's key was changed. "
                    "Ask your municipality's administrator to take it away, and set up a new one."
                )
            ) from None


def step_of(secret: str, code: str) -> int | None:
    """The half minute whose code it is, of those that a clock may show now; None where it is of none."""
    return next(
        (
            step
            for step in yield_hotp_counters_from_time()
            if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step)))
        ),
        None,
    )


def _stop_guessing(counted: Authenticator) -> None:
    last = parse_datetime(counted.data.get("wrong_at", ""))
    if counted.data.get("wrong", 0) < WRONG_CODES or last is None:
        return
    left = last + WAIT - timezone.now()
    if left <= timedelta(0):
        counted.data.update(wrong=0)
        return
    minutes = left // timedelta(minutes=1) + 1
    raise ValidationError(
        ngettext(
            "Too many wrong codes. Wait %(minutes)d minute and try again.",
            "Too many wrong codes. Wait %(minutes)d minutes and try again.",
            minutes,
        )
        % {"minutes": minutes}
    )


class CodeForm(_Code, GroupedForm, AuthenticateForm):  # type: ignore[misc]
    """After the password, at the login."""


class CodeAgainForm(_Code, GroupedForm, ReauthenticateForm):  # type: ignore[misc]
    """Before a sensitive step."""


class PasswordAgainForm(GroupedForm, AllauthPasswordAgainForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.fields["password"].label = _("Password")
        self.fields["password"].help_text = ""


class SetUpForm(GroupedForm, ActivateTOTPForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = _("Code from the app")
        field.help_text = _("Six digits. The app shows new ones every half minute.")
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs.update({"inputmode": "numeric"})

    def clean_code(self) -> str:
        code: str = super().clean_code()
        step = step_of(self.secret, code)
        if step is None:  # the half minute ended between the two looks
            raise SecondFactors().validation_error("incorrect_code")
        self.step = step
        return code

    @property
    def key_in_groups(self) -> str:
        """The key as it is typed by hand."""
        return " ".join(self.secret[start : start + 4] for start in range(0, len(self.secret), 4))


# -- Pages ------------------------------------------------------------------------------------------------

View = Callable[..., HttpResponseBase]


def _answered(view: View) -> View:
    """Answers what allauth raises (the frame calls the view before allauth could), and asks who comes by single
    sign-on for nothing."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not request.user.has_usable_password():
            raise PermissionDenied(
                _("You log in with your work account, whose second factor your IT department keeps.")
            )
        try:
            return view(request, *args, **kwargs)
        except ReauthenticationRequired:
            return _to_confirm(request, request.path if request.method == "GET" else reverse("mfa_index"))
        except ImmediateHttpResponse as answer:
            response: HttpResponseBase = answer.response
            return response

    return page


def _to_confirm(request: HttpRequest, back: str) -> HttpResponse:
    methods = get_account_adapter(request).get_reauthentication_methods(request.user)
    return redirect(f"{methods[0]['url']}?{urlencode({'next': back})}")


def ask_who_it_is(request: HttpRequest) -> HttpResponse | None:
    """Before a deed that opens another's account a little: the password or a code again, where it is some time ago."""
    if is_reauthentication_required(request, app="allauth.mfa"):
        return _to_confirm(request, request.path)
    return None


@_answered
def authenticate(request: HttpRequest) -> HttpResponseBase:
    if request.method == "POST" and "code" not in request.POST:
        # allauth would take it for a security key, which we do not have.
        return redirect("mfa_authenticate")
    answer: HttpResponseBase = base_views.authenticate(request)
    return answer


class SetUp(totp_views.ActivateTOTPView):  # type: ignore[misc]
    def form_valid(self, form: SetUpForm) -> HttpResponse:
        """The code that turned it on is taken, and does not log in as well."""
        answer: HttpResponse = super().form_valid(form)
        made = Authenticator.objects.get(user_id=self.request.user.pk, type=Authenticator.Type.TOTP)
        made.data[LAST_STEP] = form.step
        made.save(update_fields=["data"])
        return answer


index = _answered(base_views.index)
code_again = _answered(base_views.reauthenticate)
password_again = _answered(allauth_password_again)
set_up = _answered(SetUp.as_view())
remove = _answered(totp_views.deactivate_totp)
recovery_codes = _answered(recovery_views.view_recovery_codes)
new_recovery_codes = _answered(recovery_views.generate_recovery_codes)


@_answered
def download_recovery_codes(request: HttpRequest) -> HttpResponseBase:
    """A file that says what it is, under a name in the reader's language."""
    answer: HttpResponseBase = recovery_views.download_recovery_codes(request)
    if answer.status_code == 200:
        named = content_disposition_header(True, _("Medel recovery codes.txt"))
        answer.headers["Content-Disposition"] = named or "attachment"
        answer.headers["Content-Type"] = "text/plain; charset=utf-8"
    return answer


# What is open to somebody who has still to set one up.
BEFORE_THE_SECOND_FACTOR = frozenset(
    {
        "account_change_password",
        "account_logout",
        "account_reauthenticate",
        "help",
        "mfa_activate_totp",
        "mfa_index",
        "mfa_reauthenticate",
        "set_language",
        "single_sign_on",
        "single_sign_on_callback",
    }
)


def stands_before(request: HttpRequest, name: str, roles: Iterable[Role]) -> HttpResponse | None:
    """Where somebody is sent who has to set up a second factor first; None goes on. One query where one is required."""
    if settings.SECOND_FACTOR == "optional" or name in BEFORE_THE_SECOND_FACTOR:
        return None
    account: Account = request.user  # type: ignore[assignment]
    if settings.SECOND_FACTOR == "administrators" and not (
        account.runs_installation or Role.ADMINISTRATOR in roles
    ):
        return None
    if any(
        record.get("method") == "socialaccount" for record in get_authentication_records(request, account)
    ):
        return None
    if has_second_factor(account):
        return None
    address = reverse("mfa_activate_totp")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def has_second_factor(account: Account) -> bool:
    return bool(Authenticator.objects.filter(user_id=account.pk, type=Authenticator.Type.TOTP).exists())


def take_away(person: Person, *, reason: str) -> bool:
    """Takes a lost second factor away with its recovery codes, and mails the person. False where there was none.

    Needs a scope that writes the person. What is kept is that it was done, when, by whom and why; no secret.
    """
    removed, _each = Authenticator.objects.filter(user__person_id=person.pk).delete()
    if not removed:
        return False
    history.give_reason(reason)
    person.second_factor_taken_away_at = timezone.now()
    person.save(update_fields=["second_factor_taken_away_at"])
    security.warning("second factor taken away: person %s", person.pk)
    # In the installation's language: what the person reads is not known here.
    with translation.override(settings.LANGUAGE_CODE):
        body = render_to_string("mfa/mail/taken_away.txt", {"name": person.name, "reason": reason.strip()})
        send_mail(_("Medel: your second factor is taken away"), body, None, [person.account.email])
    return True
