from django.urls import URLPattern, URLResolver, include, path

from projects.views import documents, groups, life, numbers, registry
from projects.views.project_list import ProjectList

app_name = "projects"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", ProjectList.as_view(), name="list"),
    path("nytt/", registry.register, name="register"),
    path("inlasning/", include("projects.import_urls")),
    path("koder/", include("projects.code_urls")),
    path("finansiarernas-listor/", include("projects.public_list_urls")),
    path("<int:pk>/", registry.detail, name="detail"),
    path("<int:pk>/andra/", registry.change, name="change"),
    path("<int:pk>/makulera/", registry.withdraw, name="withdraw"),
    path("<int:pk>/dela/", registry.share, name="share"),
    path("<int:pk>/var-del/", registry.share_part, name="share_part"),
    path("<int:pk>/projektnummer/", numbers.project_number, name="project_number"),
    path("<int:pk>/diarienummer/", numbers.registry_number, name="registry_number"),
    path("<int:pk>/dokument/nytt/", documents.add, name="document_add"),
    path("<int:pk>/dokument/bevarande/", documents.retention, name="retention"),
    path("<int:pk>/grupper/ny/", groups.add, name="group_add"),
    path("grupper/<int:pk>/", groups.group, name="group"),
    path("grupper/<int:pk>/andra/", groups.change, name="group_change"),
    path("grupper/<int:pk>/avsluta/", groups.end, name="group_end"),
    path("grupper/<int:pk>/ta-bort/", groups.remove, name="group_remove"),
    path("grupper/<int:pk>/medlem/", groups.member_add, name="group_member_add"),
    path("grupper/<int:pk>/mote/", groups.meeting_add, name="group_meeting_add"),
    path("medlemmar/<int:pk>/andra/", groups.member_change, name="member_change"),
    path("medlemmar/<int:pk>/ta-bort/", groups.member_remove, name="member_remove"),
    path("moten/<int:pk>/andra/", groups.meeting_change, name="meeting_change"),
    path("moten/<int:pk>/ta-bort/", groups.meeting_remove, name="meeting_remove"),
    path("<int:pk>/steg/<slug:state>/", life.step, name="step"),
    path("<int:pk>/lage/", life.state, name="state"),
    path("<int:pk>/saknas/", life.fill, name="fill"),
    path("<int:pk>/moment/<slug:kind>/", life.gate, name="gate"),
    path("<int:pk>/effekter/", life.effects, name="effects"),
    path("<int:pk>/uppfoljningar/", life.plan, name="plan_follow_ups"),
    path("uppfoljning/<int:pk>/", life.follow_up, name="follow_up"),
]
