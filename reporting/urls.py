"""Names are global here: "home", "reports" (which there are) and "report" (one of a year)."""

from django.urls import URLPattern, URLResolver, path

from reporting import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("rapporter/", views.index, name="reports"),
    path("rapporter/<slug:slug>/", views.of_year, name="report_of_year"),
    path("rapporter/<slug:slug>/<int:year>/", views.report, name="report"),
]
