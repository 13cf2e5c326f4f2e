"""Addresses of the accounts' project codes, below /projekt/koder/."""

from django.urls import URLPattern, path

from projects.views import code_lists

urlpatterns: list[URLPattern] = [
    path("", code_lists.CodeList.as_view(), name="codes"),
    path("svara/", code_lists.answer, name="codes_answer"),
    path("ny-lista/", code_lists.take, name="codes_take"),
    path("listor/", code_lists.BatchList.as_view(), name="codes_batches"),
    path("listor/<int:pk>/", code_lists.batch, name="codes_batch"),
    path("listor/<int:pk>/fil/", code_lists.file, name="codes_file"),
    path("listor/<int:pk>/kolumner/", code_lists.columns, name="codes_columns"),
    path("listor/<int:pk>/bekrafta/", code_lists.confirm, name="codes_confirm"),
    path("listor/<int:pk>/lagg-undan/", code_lists.cancel, name="codes_cancel"),
    path("listor/<int:pk>/angra/", code_lists.undo, name="codes_undo"),
    path("<int:pk>/", code_lists.code_project, name="code_project"),
    path("<int:pk>/registrera/", code_lists.code_register, name="code_register"),
    path("<int:pk>/ta-bort-fran-projektet/", code_lists.code_part, name="code_part"),
]
