"""Addresses are Swedish words; the names are English."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path

from strategy import second_factor, single_sign_on
from strategy.views.second_factor import person_second_factor


def not_here(request: HttpRequest, *args: object) -> HttpResponse:
    """Pages of allauth that we do not have: nobody signs up, and an address is changed by the administrator."""
    raise Http404


urlpatterns = [
    path("", include("reporting.urls")),
    path("projekt/", include("projects.urls")),
    path("anmal/", include("projects.report_urls")),
    path("", include("strategy.urls")),
    path("", include("pages.urls")),
    re_path(r"^konto/(signup|email|confirm-email|password/set|login/code)/", not_here),
    path("konto/arbetskonto/", single_sign_on.start, name="single_sign_on"),
    path("konto/arbetskonto/svar/", single_sign_on.callback, name="single_sign_on_callback"),
    path("konto/reauthenticate/", second_factor.password_again, name="account_reauthenticate"),
    path("konto/andra-faktor/", second_factor.index, name="mfa_index"),
    path("konto/andra-faktor/kod/", second_factor.authenticate, name="mfa_authenticate"),
    path("konto/andra-faktor/kod-igen/", second_factor.code_again, name="mfa_reauthenticate"),
    path("konto/andra-faktor/ny/", second_factor.set_up, name="mfa_activate_totp"),
    path("konto/andra-faktor/ta-bort/", second_factor.remove, name="mfa_deactivate_totp"),
    path("konto/andra-faktor/koder/", second_factor.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "konto/andra-faktor/koder/nya/", second_factor.new_recovery_codes, name="mfa_generate_recovery_codes"
    ),
    path(
        "konto/andra-faktor/koder/fil/",
        second_factor.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path(
        "ansvar/personer/<int:pk>/andra-faktor/",
        person_second_factor,
        name="person_second_factor",
    ),
    path("konto/", include("allauth.account.urls")),
    path("sprak/", include("django.conf.urls.i18n")),
]

handler500 = "strategy.requests.server_error"
