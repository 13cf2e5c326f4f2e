"""Addresses of the imports, below /projekt/inlasning/."""

from django.urls import URLPattern, path

from projects.views import imports

urlpatterns: list[URLPattern] = [
    path("", imports.ImportList.as_view(), name="imports"),
    path("ny/", imports.import_upload, name="import_upload"),
    path("registret.csv", imports.import_register, name="import_register"),
    path("mall.xlsx", imports.import_template, name="import_template"),
    path("<int:pk>/", imports.import_preview, name="import_preview"),
    path("<int:pk>/blad/", imports.import_sheet, name="import_sheet"),
    path("<int:pk>/bekrafta/", imports.import_confirm, name="import_confirm"),
    path("<int:pk>/hur-langt/", imports.import_progress, name="import_progress"),
    path("<int:pk>/avbryt/", imports.import_cancel, name="import_cancel"),
    path("<int:pk>/angra/", imports.import_undo, name="import_undo"),
    path("<int:pk>/fil/", imports.import_file, name="import_file"),
]
