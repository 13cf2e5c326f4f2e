"""Addresses of the funders' public lists, below /projekt/finansiarernas-listor/."""

from django.urls import URLPattern, path

from projects.views import public_lists

urlpatterns: list[URLPattern] = [
    path("", public_lists.GrantList.as_view(), name="grants"),
    path("ny-lista/", public_lists.take, name="grants_take"),
    path("kolumner/<int:pk>/", public_lists.list_profile, name="list_profile"),
    path("listor/", public_lists.BatchList.as_view(), name="grants_batches"),
    path("listor/<int:pk>/", public_lists.batch, name="grants_batch"),
    path("listor/<int:pk>/fil/", public_lists.file, name="grants_file"),
    path("listor/<int:pk>/kolumner/", public_lists.columns, name="grants_columns"),
    path("listor/<int:pk>/namn/", public_lists.recipients, name="grants_recipients"),
    path("listor/<int:pk>/bekrafta/", public_lists.confirm, name="grants_confirm"),
    path("listor/<int:pk>/lagg-undan/", public_lists.cancel, name="grants_cancel"),
    path("listor/<int:pk>/angra/", public_lists.undo, name="grants_undo"),
    path("<int:pk>/", public_lists.grant, name="grant_settle"),
    path("<int:pk>/registrera/", public_lists.register, name="grant_register"),
    path("<int:pk>/lagg-undan/", public_lists.set_aside, name="grant_set_aside"),
    path("<int:pk>/oppna-igen/", public_lists.open_again, name="grant_open_again"),
]
