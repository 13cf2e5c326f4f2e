"""Addresses of reported projects: reporting one, with or without an account, and settling it."""

from django.urls import URLPattern, URLResolver, path

from projects.views import reports_in

app_name = "reports_in"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", reports_in.make, name="make"),
    path("belopp/", reports_in.amount, name="amount"),
    path("mina/", reports_in.mine, name="mine"),
    path("lista/", reports_in.ReportList.as_view(), name="list"),
    path("utan-konto/", reports_in.by_mail, name="by_mail"),
    path("utan-konto/<str:token>/", reports_in.by_mail_form, name="by_mail_form"),
    path("<int:pk>/", reports_in.detail, name="detail"),
    path("<int:pk>/fil/", reports_in.file, name="file"),
    path("<int:pk>/registrera/", reports_in.register, name="register"),
    path("<int:pk>/koppla/", reports_in.join, name="join"),
    path("<int:pk>/avboj/", reports_in.decline, name="decline"),
]
