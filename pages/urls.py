from django.urls import URLPattern, URLResolver, path

from pages.styleguide import styleguide

urlpatterns: list[URLPattern | URLResolver] = [path("styleguide/", styleguide, name="styleguide")]
