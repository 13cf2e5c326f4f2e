from django.urls import URLPattern, URLResolver

# Names are global here: "home"; reports are "report…".
urlpatterns: list[URLPattern | URLResolver] = []
