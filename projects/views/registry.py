"""The register's pages: the list, one project, registering, changing, withdrawing and sharing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, npgettext
from django.views.decorators.http import require_http_methods, require_safe

from pages.columns import NOT_SUMMED, Column, Text
from pages.forms import saving
from pages.lists import FORMAT, Action, Download, TableView
from projects import facts
from projects.attention import Rule, attention
from projects.columns import list_columns
from projects.exports import year_reports
from projects.filters import ProjectFilter
from projects.forms import ProjectForm, ShareForm, SharePartForm, WithdrawForm
from projects.models import Funder, Programme, Project, ProjectShare
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
from projects.seen import (
    counted_and_summed,
    latest_first,
    own_or_shared,
    see,
    seen_from,
    undated_last,
)
from strategy import history
from strategy.models import Municipality, Role
from strategy.permissions import Reader, municipalities_where
from strategy.requests import found_or_404, reader_of
from strategy.walls import scope
from values.text import squeeze

form_page = require_http_methods(["GET", "HEAD", "POST"])
# How much of the history stands on the page before one asks for all of it.
LATEST = 10


# --- the list --------------------------------------------------------------------------------------------


class ProjectList(TableView):
    """What the reader's municipality, or all the reader's municipalities, own or have a part in."""

    title = gettext_lazy("Projects")
    lead = gettext_lazy(
        "Externally funded and international projects that the municipality owns or takes part in."
    )
    template_name = "projects/list.html"
    filterset_class = ProjectFilter
    filter_target = ""  # the heading says the year, and the joint list's links keep the filters
    empty_text = gettext_lazy("No project is registered yet.")

    reader: Reader
    municipalities: tuple[Municipality, ...]
    rules: Mapping[int, Sequence[Rule]] = {}
    filterset: ProjectFilter | None = None
    found: QuerySet[Project]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("project.read")
        if FORMAT in request.GET:
            self.reader.require("project.export")
        self.municipalities = (self.reader.municipality,)
        if not self.may_be_joint or request.GET.get("kommuner") != "alla":
            return super().dispatch(request, *args, **kwargs)
        everywhere = [place.pk for place in self.reader.municipalities]
        with scope(self.reader.municipality.pk, reads=everywhere, person=self.reader.person.pk):
            self.municipalities = municipalities_where(self.reader, "project.read")
            return super().dispatch(request, *args, **kwargs)

    @property
    def may_be_joint(self) -> bool:
        return len(self.reader.municipalities) > 1

    @property
    def is_file(self) -> bool:
        return FORMAT in self.request.GET

    @property
    def is_joint(self) -> bool:
        return len(self.municipalities) > 1

    def get_queryset(self) -> QuerySet[Project]:
        mine = (
            own_or_shared(self.municipalities) if self.is_joint else Project.objects.visible_to(self.reader)
        )
        return self.in_order(seen_from(mine, self.municipalities))

    def in_order(self, projects: QuerySet[Project]) -> QuerySet[Project]:
        return undated_last(projects) if self.request.GET.get("ar") else latest_first(projects)

    def get_filterset(self, queryset: QuerySet[Project]) -> ProjectFilter:
        self.filterset = ProjectFilter(
            self.get_filter_data(),
            queryset=queryset,
            request=self.request,
            reader=self.reader,
            municipalities=self.municipalities,
        )
        return self.filterset

    def get_columns(self) -> Sequence[Column]:
        return list_columns(
            lambda project: self.rules.get(project.pk, ()),
            joint=self.is_joint,
            file=self.is_file,
        )

    def fetch(self, found: QuerySet[Project]) -> Sequence[Project]:
        # Sorted and cut by the few columns of an index; only what is left is read whole.
        chosen = self.in_order(
            seen_from(Project.objects.filter(pk__in=found.values("pk")), self.municipalities)
        )
        related = ("municipality", "owner_unit", "funder", "programme")
        whole = chosen.defer("search_text", "note", "decided_by", "withdrawn_reason")
        self.found = found
        # A page joins them; a file of thousands of rows names the same few again and again.
        rows = list(whole.prefetch_related(*related) if self.is_file else whole.select_related(*related))
        see(rows, self.municipalities)
        return rows

    def prepare_rows(self, rows: Sequence[Project]) -> None:
        # A page's few by their keys; a file's thousands as they were found.
        keys: Any = self.found.values("pk") if self.is_file else [project.pk for project in rows]
        shown = Project.objects.filter(pk__in=keys)
        if not self.is_joint:
            self.rules = attention(shown, self.reader.today)
            return
        # A rule speaks to the municipality that the transaction writes in.
        found: dict[int, list[Rule]] = {}
        everywhere = [place.pk for place in self.municipalities]
        for place in self.municipalities:
            with scope(place.pk, reads=everywhere, person=self.reader.person.pk):
                for pk, rules in attention(shown, self.reader.today).items():
                    standing = found.setdefault(pk, [])
                    standing += [rule for rule in rules if rule not in standing]
        self.rules = found

    def count_and_totals(self, found: QuerySet[Project]) -> tuple[int, Mapping[str, Any]]:
        count, shares, unknown = counted_and_summed(found, self.municipalities)
        not_stated = ngettext("%(count)d not stated", "%(count)d not stated", unknown) % {"count": unknown}
        return count, {
            "total_budget": NOT_SUMMED,
            "own_share": [*shares, not_stated] if unknown else shares,
        }

    def get_title(self) -> Text:
        year = self.filterset.year if self.filterset is not None else None
        return _("Projects %(year)d") % {"year": year} if year else self.title

    def get_caption(self) -> Text:
        return _(
            "Amounts in kronor where no other currency is given. Total budgets are not summed: "
            "they are those of whole projects, in which other organisations have their parts."
        )

    def get_total_label(self, count: int) -> Text:
        label = npgettext(
            "the row that sums a list", "%(count)d project", "All %(count)d projects", count
        ) % {"count": count}
        if self.filterset is not None and self.filterset.shows_withdrawn:
            return _("%(projects)s, the withdrawn ones not summed") % {"projects": label}
        return label

    def get_count_text(self, first: int, last: int, count: int) -> Text:
        return ngettext(
            "Showing %(first)d–%(last)d of %(count)d project",
            "Showing %(first)d–%(last)d of %(count)d projects",
            count,
        ) % {"first": first, "last": last, "count": count}

    def get_primary_action(self) -> Action | None:
        if not self.reader.can("project.register"):
            return None
        return Action(gettext_lazy("Register a project"), reverse("projects:register"))

    def get_downloads(self) -> Sequence[Download]:
        if not self.reader.can("project.export"):
            return ()
        year = self.filterset.year if self.filterset is not None else None
        if year is None:
            return super().get_downloads()
        joint = "&kommuner=alla" if self.is_joint else ""
        reports = [Download(report.label, report.address(year) + joint) for report in year_reports]
        return [*super().get_downloads(), *reports]

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        # One municipality or all: the links keep what else was chosen, except what belongs to one.
        return context | {
            "may_be_joint": self.may_be_joint,
            "is_joint": self.is_joint,
            "joint_url": self.address(without=["enhet"], kommuner="alla"),
            "single_url": self.address(without=["kommuner", "enhet"]),
        }


# --- one project -----------------------------------------------------------------------------------------


def _project(request: HttpRequest, pk: int, *, lock: bool = False) -> Project:
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
        *("municipality", "owner_unit", "project_manager", "funder", "programme", "follows", "part_of")
    ).prefetch_related(
        *("taking_part__unit", "parties", "shares__municipality", "shares__unit", "followed_by", "parts")
    )
    return found_or_404(reader, whole, pk)


def _own_part(project: Project, reader: Reader) -> ProjectShare | None:
    """The share row of the reader's municipality, where another one owns the project."""
    if project.municipality_id == reader.municipality.pk:
        return None
    return next(share for share in project.shares.all() if share.municipality_id == reader.municipality.pk)


def _crumbs(project: Project | None = None, *, on_project: bool = False) -> list[dict[str, Any]]:
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
        project = _project(request, pk)
    except Http404:
        if (elsewhere := _elsewhere(reader, pk)) is None:
            raise
        return render(
            request, "projects/elsewhere.html", {"place": elsewhere, "crumbs": _crumbs()}, status=404
        )
    share = _own_part(project, reader)
    side = share or project
    unit = share.unit if share else project.owner_unit
    found = attention(Project.objects.filter(pk=project.pk), reader.today).get(project.pk, [])
    # What the owner did is the owner's to read.
    acts = history.acts(side) if reader.can("history.read", side) else ()
    shown = acts if request.GET.get("historik") == "alla" else acts[:LATEST]
    standing = not project.is_withdrawn
    context = {
        "project": project,
        "crumbs": _crumbs(project, on_project=True),
        "steps": facts.life(project),
        "figures": facts.figures(project, share),
        "facts": facts.facts(project, share, reader),
        "found": found,
        "next_step": facts.next_step(project) if share is None else None,
        "entries": history.entries(
            shown, without=() if reader.can("project.read_notes", side) else ("note",)
        ),
        "older": len(acts) - len(shown),
        "vacant": standing and Role.STRATEGIST in reader.roles and lacks_contact_person(unit, reader.today),
        "unit": unit,
        "withdrawn_at": project.withdrawn_at and timezone.localtime(project.withdrawn_at),
        "may_change": standing and share is None and reader.can("project.change", project),
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


def _ask_the_database_now() -> None:
    """References that cannot cross municipalities are otherwise judged only when the request is over."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@form_page
def register(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    reader.require("project.register")
    form = ProjectForm(_typed(request), reader=reader)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            project = register_project(
                reader,
                form.apply(*_named(form, reader)),
                units=form.cleaned_data["units"],
                parties=form.cleaned_data["parties"],
            )
            _ask_the_database_now()
        if form.is_valid():
            said = _("“%(title)s” is registered as %(id)s.") % {
                "title": project.title,
                "id": project.register_id,
            }
            messages.success(request, said)
            return redirect(project)
    context = {
        "form": form,
        "crumbs": _crumbs(),
        "can_own": form.may_own,
    }
    return render(request, "projects/register.html", context, status=_status(form))


@form_page
def change(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    project = _project(request, pk, lock=request.method == "POST")
    reader.require("project.change", project)
    require_standing(project)
    form = ProjectForm(_typed(request), reader=reader, instance=project)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_project(
                reader,
                form.apply(*_named(form, reader)),
                reason=form.cleaned_data["reason"],
                units=form.cleaned_data["units"],
                parties=form.cleaned_data["parties"],
            )
            _ask_the_database_now()
        if form.is_valid():
            messages.success(request, _("The changes to %(id)s are saved.") % {"id": project.register_id})
            return redirect(project)
    context = {"form": form, "project": project, "crumbs": _crumbs(project)}
    return render(request, "projects/change.html", context, status=_status(form))


@form_page
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    project = _project(request, pk, lock=request.method == "POST")
    reader.require("project.withdraw", project)
    require_standing(project)
    form = WithdrawForm(_typed(request))
    if request.method == "POST" and form.is_valid():
        with saving(form):
            withdraw_project(reader, project, reason=form.cleaned_data["reason"], at=timezone.now())
        if form.is_valid():
            messages.success(request, _("%(id)s is withdrawn.") % {"id": project.register_id})
            return redirect(project)
    context = {"form": form, "project": project, "crumbs": _crumbs(project)}
    return render(request, "projects/withdraw.html", context, status=_status(form))


def _typed(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _status(form: Any) -> int:
    """A form that came back is not taken for a saved page."""
    return 422 if form.is_bound and form.errors else 200


# --- sharing with another municipality -------------------------------------------------------------------


@form_page
def share(request: HttpRequest, pk: int) -> HttpResponse:
    """Shares the project with another municipality, or, with `remove`, takes it back from one."""
    reader = reader_of(request)
    project = _project(request, pk, lock=request.method == "POST")
    reader.require("project.share", project)
    require_standing(project)
    removing = request.POST.get("remove", "")
    form = ShareForm(None if removing else _typed(request), project=project)
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
        "crumbs": _crumbs(project),
    }
    return render(request, "projects/share.html", context, status=_status(form))


@form_page
def share_part(request: HttpRequest, pk: int) -> HttpResponse:
    """The own unit, role and share of a municipality in a project that another one owns."""
    reader = reader_of(request)
    if request.method == "POST":
        mine = ProjectShare.objects.filter(project=pk, municipality=reader.municipality)
        list(mine.select_for_update(of=("self",)).values("pk"))
    project = _project(request, pk)
    row = _own_part(project, reader)
    if row is None:
        raise Http404(_("The project is the municipality's own. Its part stands on the project itself."))
    reader.require("project.change", row)
    require_standing(project)
    form = SharePartForm(_typed(request), reader=reader, instance=row)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_share(reader, form.apply(), reason=form.cleaned_data["reason"])
            _ask_the_database_now()
        if form.is_valid():
            messages.success(request, _("Our part of the project is saved."))
            return redirect(project)
    context = {"form": form, "project": project, "crumbs": _crumbs(project)}
    return render(request, "projects/share_part.html", context, status=_status(form))
