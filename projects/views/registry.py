"""The register's pages: one project, registering, changing, withdrawing and sharing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pages.forms import saving
from projects import facts
from projects.attention import attention
from projects.forms import ProjectForm, ShareForm, SharePartForm, WithdrawForm
from projects.gates import evidence_of, gates_of
from projects.life import needed_in, unmet
from projects.models import Funder, Programme, Project, ProjectShare
from projects.parts import shown_parts
from projects.registry import (
    change_project,
    change_share,
    lacks_contact_person,
    named,
    register_project,
    require_standing,
    share_project,
    unshare_project,
    withdraw_project,
)
from projects.seen import own_or_shared
from strategy import history
from strategy.models import Municipality, Role
from strategy.permissions import Reader, municipalities_where
from strategy.requests import found_or_404, reader_of
from strategy.walls import scope
from values.text import squeeze

form_page = require_http_methods(["GET", "HEAD", "POST"])
# How much of the history stands on the page before one asks for all of it.
LATEST = 10
# Not told in the history to who does not read notes.
UNREAD = ("note",)


# --- one project -----------------------------------------------------------------------------------------


def project_of(request: HttpRequest, pk: int, *, lock: bool = False) -> Project:
    """The project with its parts, if the reader's municipality sees it; else 404, logged.

    `lock` makes two people who save at the same time follow each other: the second sees what the first saved.
    """
    reader = reader_of(request)
    reader.require("project.read")
    visible = Project.objects.visible_to(reader)
    if lock:
        # Before the rest is read: what the first one saved is seen only after the wait.
        list(
            visible.filter(pk=pk, municipality=reader.municipality)
            .select_for_update(of=("self",))
            .values("pk")
        )
    whole = visible.select_related(
        *("municipality", "owner_unit", "project_manager", "funder", "programme", "follows", "part_of"),
        "kept_up_by",
    ).prefetch_related(
        *("taking_part__unit", "parties", "shares__municipality", "shares__unit", "followed_by", "parts")
    )
    return found_or_404(reader, whole, pk)


def _own_part(project: Project, reader: Reader) -> ProjectShare | None:
    """The share row of the reader's municipality, where another one owns the project."""
    if project.municipality_id == reader.municipality.pk:
        return None
    return next(share for share in project.shares.all() if share.municipality_id == reader.municipality.pk)


def crumbs_of(project: Project | None = None, *, on_project: bool = False) -> list[dict[str, Any]]:
    crumbs: list[dict[str, Any]] = [{"label": _("Projects"), "url": reverse("projects:list")}]
    if project is None:
        return crumbs
    if on_project:
        if project.owner_unit is not None:
            crumbs.append({"label": project.owner_unit})
        return [*crumbs, {"label": _("Register id %(id)s") % {"id": project.register_id}}]
    return [*crumbs, {"label": project.title, "url": project.get_absolute_url()}]


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    try:
        project = project_of(request, pk)
    except Http404:
        if (elsewhere := _elsewhere(reader, pk)) is None:
            raise
        return render(
            request, "projects/elsewhere.html", {"place": elsewhere, "crumbs": crumbs_of()}, status=404
        )
    share = _own_part(project, reader)
    side = share or project
    unit = share.unit if share else project.owner_unit
    told = attention(Project.objects.filter(pk=project.pk), reader.today).get(project.pk, [])
    # Of another's project only our own share row is ours to deal with.
    missing = unmet(project, facts.asked_ahead(project)) if share is None else ()
    taken = list(project.steps.select_related("taken_by")) if share is None else []
    follow_ups = list(project.follow_ups.select_related("done_by"))
    may_change = bool(not project.is_withdrawn and share is None and reader.can("project.change", project))
    reads_notes = bool(reader.can("project.read_notes", side))
    reads_history = bool(reader.can("history.read", side))
    # What the owner did is the owner's to read.
    acts = history.acts(side, reader=reader) if reads_history else ()
    shown = acts if request.GET.get("historik") == "alla" else acts[:LATEST]
    standing = not project.is_withdrawn
    standing_gates = gates_of(project) if share is None else {}
    told_facts = facts.facts(project, share, reader, facts.contact_persons(unit, reader.today))
    context = {
        "project": project,
        "crumbs": crumbs_of(project, on_project=True),
        "steps": facts.life(project, taken),
        "figures": facts.figures(project, share),
        "facts": told_facts,
        "foremost": facts.foremost(told_facts),
        "more_facts": facts.the_rest(told_facts),
        "found": facts.to_deal_with(project, missing, told, is_part=share is not None),
        "may_fill": may_change and any(need.fields for need in missing if need in needed_in(project.state)),
        "next_step": facts.next_step(project, reader, missing) if share is None else None,
        "next_date": facts.next_date(project, follow_ups, reader.today),
        "gates": facts.gates(
            project, standing_gates, evidence_of(reader, standing_gates.values()), reads_history
        )
        if share is None
        else (),
        "effects": facts.effects(project),
        "follow_ups": follow_ups,
        "today": reader.today,
        "parts": shown_parts(request, reader, project),
        "entries": history.entries(shown, without=() if reads_notes else UNREAD),
        "older": len(acts) - len(shown),
        "all_of_it": "historik" in request.GET,
        "vacant": standing and Role.STRATEGIST in reader.roles and lacks_contact_person(unit, reader.today),
        "unit": unit,
        "withdrawn_at": project.withdrawn_at and timezone.localtime(project.withdrawn_at),
        "may_change": may_change,
        "may_correct": may_change and bool(project.state),
        # Who may change everything has these in the ordinary form.
        "may_number": bool(
            standing and share is None and not may_change and reader.can("project.number", project)
        ),
        "may_dnr": bool(standing and share is None and not may_change and reader.can("project.dnr", project)),
        "may_change_part": standing and share is not None and reader.can("project.change", share),
        "may_withdraw": standing and share is None and reader.can("project.withdraw", project),
        "may_share": standing and share is None and reader.can("project.share", project),
    }
    return render(request, "projects/detail.html", context)


def _elsewhere(reader: Reader, pk: int) -> Municipality | None:
    """Another municipality of the person's own in which the project is found: a joint list leads there."""
    others = [place for place in reader.municipalities if place != reader.municipality]
    if not others:
        return None
    with scope(reader.municipality.pk, reads=[place.pk for place in others], person=reader.person.pk):
        allowed = [
            place for place in municipalities_where(reader, "project.read") if place != reader.municipality
        ]
        found = own_or_shared(allowed).filter(pk=pk).first()
        if found is None:
            return None
        sharing = {share.municipality_id for share in found.shares.all()}
        return next(
            (place for place in allowed if place.pk == found.municipality_id),
            next((place for place in allowed if place.pk in sharing), None),
        )


# --- registering and changing ----------------------------------------------------------------------------


def _named(form: ProjectForm, reader: Reader) -> tuple[Funder | None, Programme | None]:
    """Funder and programme as typed; one not known before becomes the municipality's own."""
    funder = named(Funder, form.cleaned_data["funder"], reader.municipality)
    return funder, named(Programme, form.cleaned_data["programme"], reader.municipality, funder=funder)


def ask_the_database_now() -> None:
    """References that cannot cross municipalities are otherwise judged only when the request is over."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@form_page
def register(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    reader.require("project.register")
    form = ProjectForm(typed(request), reader=reader)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            project = register_project(
                reader,
                form.apply(*_named(form, reader)),
                units=form.cleaned_data["units"],
                parties=form.cleaned_data["parties"],
            )
            ask_the_database_now()
        if form.is_valid():
            said = _("“%(title)s” is registered as %(id)s.") % {
                "title": project.title,
                "id": project.register_id,
            }
            messages.success(request, said)
            return redirect(project)
    context = {
        "form": form,
        "crumbs": crumbs_of(),
        "can_own": form.may_own,
    }
    return render(request, "projects/register.html", context, status=status_of(form))


@form_page
def change(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    project = project_of(request, pk, lock=request.method == "POST")
    reader.require("project.change", project)
    require_standing(project)
    form = ProjectForm(typed(request), reader=reader, instance=project)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_project(
                reader,
                form.apply(*_named(form, reader)),
                reason=form.cleaned_data["reason"],
                units=form.cleaned_data["units"],
                parties=form.cleaned_data["parties"],
            )
            ask_the_database_now()
        if form.is_valid():
            messages.success(request, _("The changes to %(id)s are saved.") % {"id": project.register_id})
            return redirect(project)
    context = {"form": form, "project": project, "crumbs": crumbs_of(project)}
    return render(request, "projects/change.html", context, status=status_of(form))


@form_page
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    project = project_of(request, pk, lock=request.method == "POST")
    reader.require("project.withdraw", project)
    require_standing(project)
    form = WithdrawForm(typed(request))
    if request.method == "POST" and form.is_valid():
        with saving(form):
            withdraw_project(reader, project, reason=form.cleaned_data["reason"], at=timezone.now())
        if form.is_valid():
            messages.success(request, _("%(id)s is withdrawn.") % {"id": project.register_id})
            return redirect(project)
    context = {"form": form, "project": project, "crumbs": crumbs_of(project)}
    return render(request, "projects/withdraw.html", context, status=status_of(form))


def typed(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def status_of(form: Any) -> int:
    """A form that came back is not taken for a saved page."""
    return 422 if form.is_bound and form.errors else 200


# --- sharing with another municipality -------------------------------------------------------------------


@form_page
def share(request: HttpRequest, pk: int) -> HttpResponse:
    """Shares the project with another municipality, or, with `remove`, takes it back from one."""
    reader = reader_of(request)
    project = project_of(request, pk, lock=request.method == "POST")
    reader.require("project.share", project)
    require_standing(project)
    removing = request.POST.get("remove", "")
    form = ShareForm(None if removing else typed(request), project=project)
    if removing:
        chosen = next((row for row in project.shares.all() if str(row.pk) == removing), None)
        reason = squeeze(request.POST.get("reason", ""))[:500]
        if chosen is not None and not reason:
            messages.error(request, _("Say why the project is no longer shared."))
        elif chosen is not None:
            unshare_project(reader, chosen, reason=reason)
            said = _("The project is no longer shared with %(municipality)s.") % {
                "municipality": chosen.municipality
            }
            messages.success(request, said)
        return redirect("projects:share", pk=project.pk)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            share_project(reader, project, form.cleaned_data["municipality"])
        if form.is_valid():
            said = _("The project is shared with %(municipality)s.") % form.cleaned_data
            messages.success(request, said)
            return redirect("projects:share", pk=project.pk)
    context = {
        "form": form,
        "project": project,
        "shares": list(project.shares.all()),
        "crumbs": crumbs_of(project),
    }
    return render(request, "projects/share.html", context, status=status_of(form))


@form_page
def share_part(request: HttpRequest, pk: int) -> HttpResponse:
    """The own unit, role and share of a municipality in a project that another one owns."""
    reader = reader_of(request)
    if request.method == "POST":
        mine = ProjectShare.objects.filter(project=pk, municipality=reader.municipality)
        list(mine.select_for_update(of=("self",)).values("pk"))
    project = project_of(request, pk)
    row = _own_part(project, reader)
    if row is None:
        raise Http404(_("The project is the municipality's own. Its part stands on the project itself."))
    reader.require("project.change", row)
    require_standing(project)
    form = SharePartForm(typed(request), reader=reader, instance=row)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_share(reader, form.apply(), reason=form.cleaned_data["reason"])
            ask_the_database_now()
        if form.is_valid():
            messages.success(request, _("Our part of the project is saved."))
            return redirect(project)
    context = {"form": form, "project": project, "crumbs": crumbs_of(project)}
    return render(request, "projects/share_part.html", context, status=status_of(form))
