"""Addresses are Swedish words; the names are English."""

from django.urls import include, path

urlpatterns = [
    path("", include("reporting.urls")),
    path("projekt/", include("projects.urls")),
    path("", include("strategy.urls")),
    path("", include("pages.urls")),
    path("konto/", include("allauth.account.urls")),
    path("sprak/", include("django.conf.urls.i18n")),
]

handler500 = "strategy.requests.server_error"
