"""Adding a document to a project."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from pages.forms import saving
from projects.documents import SameContents, add_to_project
from projects.models import Project
from projects.registry import require_standing
from strategy.attachments import takes_files, upload_was_too_large
from strategy.documents import DocumentRefused, say_how_long, without_retention
from strategy.forms.documents import NewDocumentForm, RetentionForm, ask_for_the_file_again
from strategy.models import Document
from strategy.requests import found_or_404, reader_of
from strategy.views.pages import Crumb, form_page


def own_project(request: HttpRequest, pk: int) -> Project:
    """A project of the reader's own municipality; one shared with it is another's to keep documents of."""
    reader = reader_of(request)
    reader.require("project.read")
    own = Project.objects.visible_to(reader).filter(municipality=reader.municipality)
    return found_or_404(reader, own.select_related("municipality", "owner_unit"), pk)


def crumbs_of(project: Project, part: str = "") -> list[Crumb]:
    """From the list of projects to a part of the project's page."""
    return [
        Crumb(_("Projects"), reverse("projects:list")),
        Crumb(project.title, f"{project.get_absolute_url()}{part and '#' + part}"),
    ]


@takes_files("DOCUMENT_LIMIT")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    project = own_project(request, pk)
    reader.require("document.add", project)
    require_standing(project)
    form = (
        NewDocumentForm(request.POST, request.FILES, was_too_large=upload_was_too_large(request))
        if request.method == "POST"
        else NewDocumentForm()
    )
    if request.method == "POST" and form.is_valid():
        try:
            with saving(form):
                document, notes = add_to_project(
                    reader,
                    project,
                    form.cleaned_data["file"],
                    again=bool(form.cleaned_data.get("again")),
                    **form.facts,
                )
        except DocumentRefused as refused:
            form.add_error("file", str(refused))
        except SameContents as same:
            form.same_contents(
                _("%(already)s Leave it at that, or choose the file again and tick here if it is meant.")
                % {"already": same}
            )
        if form.is_valid():
            messages.success(request, _("“%(title)s” is added.") % {"title": document.title})
            for note in notes:
                messages.warning(request, note)
            return redirect(f"{project.get_absolute_url()}#documents")
    if "again" not in form.errors:
        ask_for_the_file_again(form)
    response = form_page(
        request,
        form,
        title=_("Add a document"),
        lead=_("To “%(title)s”, %(id)s.") % {"title": project.title, "id": project.register_id},
        submit=_("Add the document"),
        back=f"{project.get_absolute_url()}#documents",
        crumbs=crumbs_of(project, "documents"),
    )
    if form.is_bound and form.errors:
        response.status_code = 422
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def retention(request: HttpRequest, pk: int) -> HttpResponse:
    """How long the project's documents are kept, said once for all of which nobody has said it."""
    reader = reader_of(request)
    project = own_project(request, pk)
    reader.require("document.add", project)
    require_standing(project)
    open_ones = without_retention(reader, Document.objects.filter(of_project__project=project))
    form = RetentionForm(request.POST if request.method == "POST" else None, documents=open_ones)
    documents_url = f"{project.get_absolute_url()}#documents"
    if request.method == "GET" and not form.initial["documents"]:
        messages.info(request, _("Of every document that you may read it is said how long it is kept."))
        return redirect(documents_url)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            said = say_how_long(
                reader,
                form.cleaned_data["documents"],
                retention=form.cleaned_data["retention"],
                kept_until=form.cleaned_data["kept_until"],
            )
        if form.is_valid():
            told = ngettext(
                "How long it is kept is saved for one document.",
                "How long they are kept is saved for %(count)d documents.",
                len(said),
            )
            messages.success(request, told % {"count": len(said)})
            return redirect(documents_url)
    response = form_page(
        request,
        form,
        title=_("How long the documents are kept"),
        lead=_("Of %(id)s. Said once for all that are ticked; no reason is needed where nothing stood.")
        % {"id": project.register_id},
        submit=_("Save"),
        back=documents_url,
        crumbs=crumbs_of(project, "documents"),
    )
    if form.is_bound and form.errors:
        response.status_code = 422
    return response
