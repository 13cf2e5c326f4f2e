"""Addresses of the imports, below /projekt/inlasning/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
