"""Addresses are Swedish words; the names are English."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path


def not_here(request: HttpRequest, *args: object) -> HttpResponse:
    """Pages of allauth that we do not have: nobody signs up, and an address is changed by the administrator."""
    raise Http404


urlpatterns = [
    path("", include("reporting.urls")),
    path("projekt/", include("projects.urls")),
    path("", include("strategy.urls")),
    path("", include("pages.urls")),
    re_path(r"^konto/(signup|email|confirm-email|password/set|login/code|reauthenticate)/", not_here),
    path("konto/", include("allauth.account.urls")),
    path("sprak/", include("django.conf.urls.i18n")),
]

handler500 = "strategy.requests.server_error"
