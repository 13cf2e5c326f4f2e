"""Names are global here: "home", "reports" (which there are) and "report" (one of a year)."""

from django.urls import URLPattern, URLResolver, path

from reporting import views

urlpatterns: list[URLPattern | URLResolver] = [
    # One page at two addresses: the second is the one that links lead to.
    path("", views.home, name="home"),
    path("att-gora/", views.home, name="home"),
    path("att-gora/<slug:slug>/", views.RuleProjects.as_view(), name="todo_rule"),
    path("rapporter/", views.index, name="reports"),
    path("rapporter/<slug:slug>/", views.of_year, name="report_of_year"),
    path("rapporter/<slug:slug>/<int:year>/", views.report, name="report"),
]
