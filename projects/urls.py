from django.urls import URLPattern, URLResolver, include, path

from projects.views import registry

app_name = "projects"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", registry.ProjectList.as_view(), name="list"),
    path("nytt/", registry.register, name="register"),
    path("inlasning/", include("projects.import_urls")),
    path("<int:pk>/", registry.detail, name="detail"),
    path("<int:pk>/andra/", registry.change, name="change"),
    path("<int:pk>/makulera/", registry.withdraw, name="withdraw"),
    path("<int:pk>/dela/", registry.share, name="share"),
    path("<int:pk>/var-del/", registry.share_part, name="share_part"),
]
