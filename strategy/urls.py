"""Addresses of the municipality's own pages. Names are global here."""

from django.urls import URLPattern, URLResolver, path

from strategy.views import entry, installation, organisation, responsibilities

urlpatterns: list[URLPattern | URLResolver] = [
    path("ansvar/", responsibilities.Responsibilities.as_view(), name="responsibilities"),
    path("ansvar/nytt/", responsibilities.give, name="assignment_give"),
    path("ansvar/<int:pk>/", responsibilities.assignment, name="assignment"),
    path("ansvar/<int:pk>/andra/", responsibilities.change, name="assignment_change"),
    path("ansvar/<int:pk>/avsluta/", responsibilities.end, name="assignment_end"),
    path("ansvar/personer/<int:pk>/andra/", responsibilities.person_change, name="person_change"),
    path("ansvar/enheter/", organisation.organisation, name="organisation"),
    path("ansvar/enheter/ny/", organisation.unit_add, name="unit_add"),
    path("ansvar/enheter/<int:pk>/", organisation.unit, name="unit"),
    path("ansvar/enheter/<int:pk>/andra/", organisation.unit_change, name="unit_change"),
    path("ansvar/enheter/<int:pk>/avsluta/", organisation.unit_end, name="unit_end"),
    path("ansvar/enheter/<int:pk>/namn/", organisation.unit_name, name="unit_name"),
    path("ansvar/enheter/<int:pk>/namnd/", organisation.board_service_add, name="board_service_add"),
    path("ansvar/namnder/<int:pk>/avsluta/", organisation.board_service_end, name="board_service_end"),
    path("ansvar/kommunen/", organisation.municipality, name="municipality"),
    path("ansvar/kommunen/andra/", organisation.municipality_change, name="municipality_change"),
    path("ansvar/kommunen/vapen/", organisation.arms_set, name="arms_set"),
    path("ansvar/kommunen/invanare/", organisation.population_set, name="population_set"),
    path("ansvar/kommunen/medlemmar/", organisation.member_add, name="member_add"),
    path("installation/", installation.installation, name="installation"),
    path("installation/kommun/", installation.municipality_add, name="installation_municipality_add"),
    path(
        "installation/kommun/<int:pk>/administrator/",
        installation.administrator,
        name="installation_administrator",
    ),
    path("valj-kommun/", entry.choose_municipality, name="choose_municipality"),
    path("hjalp/", entry.help_page, name="help"),
    path("halsa/", entry.health, name="health"),
]
