"""The pages on which a project gets its number in the accounts and in the registry."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pages.forms import saving
from projects.numbers import (
    ProjectNumberForm,
    RegistryNumberForm,
    give_project_number,
    give_registry_number,
)
from projects.registry import require_standing
from projects.views.registry import crumbs_of, project_of, status_of, typed
from strategy.requests import reader_of
from strategy.views.pages import Crumb
from strategy.views.pages import form_page as page_of_form

form_page = require_http_methods(["GET", "HEAD", "POST"])


@form_page
def project_number(request: HttpRequest, pk: int) -> HttpResponse:
    """Where and under which number the project is accounted for."""
    reader = reader_of(request)
    project = project_of(request, pk, lock=request.method == "POST")
    reader.require("project.number", project)
    require_standing(project)
    form = ProjectNumberForm(typed(request), reader=reader, instance=project)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            give_project_number(reader, form.apply(), reason=form.cleaned_data["reason"])
        if form.is_valid():
            said = _("The project number of %(id)s is saved.") % {"id": project.register_id}
            messages.success(request, said)
            return redirect(project)
    response = page_of_form(
        request,
        form,
        title=_("The project's number in the accounts"),
        lead=_("%(id)s %(title)s. Who gives a number has said that it is in our own accounts.")
        % {"id": project.register_id, "title": project.title},
        submit=_("Save"),
        back=project.get_absolute_url(),
        crumbs=[Crumb(one["label"], one.get("url", "")) for one in crumbs_of(project)],
    )
    response.status_code = status_of(form)
    return response


@form_page
def registry_number(request: HttpRequest, pk: int) -> HttpResponse:
    """The number of the project's case in the municipality's registry."""
    reader = reader_of(request)
    project = project_of(request, pk, lock=request.method == "POST")
    reader.require("project.dnr", project)
    require_standing(project)
    form = RegistryNumberForm(typed(request), reader=reader, instance=project)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            give_registry_number(reader, form.apply(), reason=form.cleaned_data["reason"])
        if form.is_valid():
            said = _("The registry number of %(id)s is saved.") % {"id": project.register_id}
            messages.success(request, said)
            return redirect(project)
    response = page_of_form(
        request,
        form,
        title=_("The project's registry number"),
        lead=f"{project.register_id} {project.title}",
        submit=_("Save"),
        back=project.get_absolute_url(),
        crumbs=[Crumb(one["label"], one.get("url", "")) for one in crumbs_of(project)],
    )
    response.status_code = status_of(form)
    return response
