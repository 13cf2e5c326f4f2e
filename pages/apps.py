"""The floor of pages as an installed app: it brings template tags and the form renderer, no models."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"
