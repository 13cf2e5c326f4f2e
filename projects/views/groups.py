"""The groups of a project: each group's page, its members and its meetings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from pages.columns import Column, Mark, listing
from pages.forms import saving
from projects.documents import SameContents
from projects.group_forms import EndGroupForm, GroupForm, MeetingForm, MemberForm, ReasonForm
from projects.groups import (
    MetLater,
    end_group,
    ended_mark,
    group_label,
    may_be_removed,
    own_groups,
    remove_group,
    remove_meeting,
    remove_member,
    save_group,
    save_meeting,
    save_member,
    sits,
)
from projects.models import GroupMeeting, GroupMember, Project, ProjectGroup
from projects.registry import require_standing
from projects.views.documents import crumbs_of, own_project
from strategy import history
from strategy.attachments import takes_files, upload_was_too_large
from strategy.documents import DocumentRefused, visible_documents
from strategy.forms.documents import ask_for_the_file_again
from strategy.permissions import Reader
from strategy.requests import found_or_404, reader_of
from strategy.views.pages import Crumb, Fact

form_views = require_http_methods(["GET", "HEAD", "POST"])
M = TypeVar("M", bound=Model)


# --- finding ---------------------------------------------------------------------------------------------


def _group(request: HttpRequest, pk: int) -> ProjectGroup:
    """A group of the municipality's own, locked where something is sent: two who save follow each other."""
    reader = reader_of(request)
    reader.require("project.read")
    rows = own_groups(reader)
    _lock(request, rows, pk)
    return found_or_404(reader, rows.select_related("project__municipality", "project__owner_unit"), pk)


def _of_group(request: HttpRequest, rows: QuerySet[M], pk: int) -> M:
    """A member or meeting of such a group."""
    reader = reader_of(request)
    reader.require("project.read")
    own = rows.filter(municipality=reader.municipality, group__in=own_groups(reader))
    _lock(request, own, pk)
    return found_or_404(
        reader, own.select_related("group__project__municipality", "group__project__owner_unit"), pk
    )


def _lock(request: HttpRequest, rows: QuerySet[Any], pk: int) -> None:
    if request.method == "POST":
        list(rows.filter(pk=pk).select_for_update(of=("self",)).values("pk"))


def _may_change(request: HttpRequest, project: Project) -> Reader:
    reader = reader_of(request)
    reader.require("project.change", project)
    require_standing(project)
    return reader


def _address(group: ProjectGroup) -> str:
    return reverse("projects:group", args=[group.pk])


def _crumbs(group: ProjectGroup) -> list[Crumb]:
    return [*crumbs_of(group.project, "groups"), Crumb(group_label(group), _address(group))]


# --- a group ---------------------------------------------------------------------------------------------


def _days(member: GroupMember) -> str:
    first, last = member.starts_on, member.ends_on
    if first and last:
        return f"{first.isoformat()} – {last.isoformat()}"
    if last:
        return _("until %(last)s") % {"last": last.isoformat()}
    return _("from %(first)s") % {"first": first.isoformat()} if first else ""


def _member_columns(members: Sequence[GroupMember], today: date, may_change: bool) -> Sequence[Column]:
    def who(member: GroupMember) -> str:
        if member.person is not None:
            return member.person.name
        return member.function or _("Seat without a name")

    def over(member: GroupMember) -> Mark | None:
        return None if sits(member, today) else Mark(_("Ended"), "full")

    ended = Column("over", gettext_lazy("State"), over, kind="mark", missing="", first=True)
    change = Column(
        "change",
        gettext_lazy("Change"),
        lambda member: _("Change"),
        href=lambda member: reverse("projects:member_change", args=[member.pk]),
    )
    return (
        Column("who", gettext_lazy("Member"), who, row_header=True),
        Column("represents", gettext_lazy("Unit or organisation"), lambda one: one.unit or one.organisation),
        Column(
            "function",
            gettext_lazy("Function"),
            lambda member: member.function if member.person else None,
            missing="–",
        ),
        Column("days", gettext_lazy("From and to"), _days),
        *((ended,) if any(not sits(member, today) for member in members) else ()),
        *((change,) if may_change else ()),
    )


def _meeting_columns(readable: frozenset[int], may_change: bool) -> Sequence[Column]:
    """`readable` are the minutes that the reader may read; of others only that they are there is told."""

    def minutes(meeting: GroupMeeting) -> str | None:
        if meeting.minutes_id is None:
            return None
        if meeting.minutes is None or meeting.minutes_id not in readable:
            return _("stand among the documents")
        title = meeting.minutes.title
        return _("%(title)s (withdrawn)") % {"title": title} if meeting.minutes.is_withdrawn else title

    def address(meeting: GroupMeeting) -> str | None:
        return reverse("document", args=[meeting.minutes_id]) if meeting.minutes_id in readable else None

    change = Column(
        "change",
        gettext_lazy("Change"),
        lambda meeting: _("Change"),
        href=lambda meeting: reverse("projects:meeting_change", args=[meeting.pk]),
    )
    return (
        Column("held_on", gettext_lazy("Date"), "held_on", row_header=True, kind="date"),
        Column("subject", gettext_lazy("What was dealt with"), "subject"),
        Column("minutes", gettext_lazy("Minutes"), minutes, href=address, missing=_("no minutes")),
        *((change,) if may_change else ()),
    )


@require_safe
def group(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    group = _group(request, pk)
    project = group.project
    may_change = bool(not project.is_withdrawn and reader.can("project.change", project))
    members = sorted(
        group.members.select_related("person", "unit"),
        key=lambda member: (not sits(member, reader.today), member.pk),
    )
    meetings = list(group.meetings.select_related("minutes"))
    reads = bool(reader.can("document.read", project))
    readable = (
        frozenset(
            visible_documents(reader)
            .filter(pk__in=[meeting.minutes_id for meeting in meetings if meeting.minutes_id])
            .values_list("pk", flat=True)
        )
        if reads
        else frozenset()
    )
    columns = _meeting_columns(readable, may_change)
    if not reads:
        columns = [column for column in columns if column.name != "subject"]
    context = {
        "group": group,
        "label": group_label(group),
        "crumbs": crumbs_of(project, "groups"),
        "facts": [
            Fact(_("Project"), project.title, project.get_absolute_url()),
            Fact(_("Task"), group.task),
            Fact(_("State"), ended_mark(group, reader.today)),
        ],
        "members": listing(_member_columns(members, reader.today, may_change), members, name=_("Members"))
        if members
        else None,
        "meetings": listing(columns, meetings, name=_("Meetings")) if meetings else None,
        "may_change": may_change,
        "may_remove": may_change and not members and not meetings,
        "entries": history.entries(history.acts(group, reader=reader))
        if reader.can("history.read", project)
        else (),
    }
    return render(request, "projects/groups/group.html", context)


def _ask_the_database_now() -> None:
    """References that cannot cross municipalities are otherwise judged only when the request is over."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _page(
    request: HttpRequest,
    form: forms.BaseForm,
    save: Callable[[], None],
    *,
    said: Callable[[], str],
    to: Callable[[], str],
    **page: Any,
) -> HttpResponse:
    """One form: what is sent and valid is saved, and what the database or a rule refuses comes back with it."""
    if request.method == "POST" and form.is_valid():
        with saving(form):
            save()
            _ask_the_database_now()
        if form.is_valid():
            messages.success(request, said())
            return redirect(to())
    ask_for_the_file_again(form)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "projects/groups/form.html", {"form": form, **page}, status=status)


def _typed(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


@form_views
def add(request: HttpRequest, pk: int) -> HttpResponse:
    project = own_project(request, pk)
    reader = _may_change(request, project)
    new = ProjectGroup(project=project, municipality=reader.municipality)
    form = GroupForm(_typed(request), instance=new)
    return _page(
        request,
        form,
        lambda: save_group(reader, new),
        said=lambda: _("“%(group)s” is added. Now add its members.") % {"group": group_label(new)},
        to=lambda: _address(new),
        title=_("Add a group"),
        lead=_("To “%(title)s”, %(id)s.") % {"title": project.title, "id": project.register_id},
        submit=_("Add the group"),
        back=f"{project.get_absolute_url()}#groups",
        crumbs=crumbs_of(project, "groups"),
    )


@form_views
def change(request: HttpRequest, pk: int) -> HttpResponse:
    group = _group(request, pk)
    reader = _may_change(request, group.project)
    crumbs = _crumbs(group)
    form = GroupForm(_typed(request), instance=group)
    return _page(
        request,
        form,
        lambda: save_group(reader, group, reason=form.why),
        said=lambda: _("The changes to “%(group)s” are saved.") % {"group": group_label(group)},
        to=lambda: _address(group),
        title=_("Change the group"),
        submit=_("Save"),
        back=_address(group),
        crumbs=crumbs,
    )


@form_views
def end(request: HttpRequest, pk: int) -> HttpResponse:
    group = _group(request, pk)
    reader = _may_change(request, group.project)
    form = EndGroupForm(_typed(request), instance=group, initial={"last_day": reader.today})

    def save() -> None:
        try:
            end_group(reader, group, form.cleaned_data["last_day"], reason=form.cleaned_data["reason"])
        except MetLater as later:
            form.add_error("last_day", str(later))

    return _page(
        request,
        form,
        save,
        said=lambda: (
            _("“%(group)s” ends %(day)s.")
            % {"group": group_label(group), "day": form.cleaned_data["last_day"].isoformat()}
        ),
        to=lambda: _address(group),
        title=_("End “%(group)s”") % {"group": group_label(group)},
        note=_("The group stays on the project's page with its members, meetings and minutes."),
        submit=_("End the group"),
        back=_address(group),
        crumbs=_crumbs(group),
    )


@form_views
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    group = _group(request, pk)
    reader = _may_change(request, group.project)
    if not may_be_removed(group):
        messages.error(request, _("A group with members or meetings is not taken away. End it instead."))
        return redirect(_address(group))
    form = ReasonForm(_typed(request), instance=group)
    project = group.project
    return _page(
        request,
        form,
        lambda: remove_group(reader, group, reason=form.cleaned_data["reason"]),
        said=lambda: _("The group is taken away."),
        to=lambda: f"{project.get_absolute_url()}#groups",
        title=_("Take away “%(group)s”") % {"group": group_label(group)},
        note=_("For a group that was entered by mistake. A group that has done its work is ended instead."),
        submit=_("Take the group away"),
        back=_address(group),
        crumbs=_crumbs(group),
        stops=True,
    )


# --- members ---------------------------------------------------------------------------------------------


@form_views
def member_add(request: HttpRequest, pk: int) -> HttpResponse:
    group = _group(request, pk)
    reader = _may_change(request, group.project)
    new = GroupMember(group=group, municipality=reader.municipality)
    form = MemberForm(_typed(request), instance=new, reader=reader)
    return _page(
        request,
        form,
        lambda: save_member(reader, new),
        said=lambda: _("The member is added."),
        to=lambda: _address(group),
        title=_("Add a member"),
        lead=group_label(group),
        submit=_("Add the member"),
        back=_address(group),
        crumbs=_crumbs(group),
    )


@form_views
def member_change(request: HttpRequest, pk: int) -> HttpResponse:
    member = _of_group(request, GroupMember.objects.select_related("person"), pk)
    group = member.group
    reader = _may_change(request, group.project)
    form = MemberForm(_typed(request), instance=member, reader=reader)
    return _page(
        request,
        form,
        lambda: save_member(reader, member, reason=form.why),
        said=lambda: _("The changes to the member are saved."),
        to=lambda: _address(group),
        title=_("Change the member"),
        lead=_("Who has left the group gets a last day: then it is still seen who sat in it."),
        submit=_("Save"),
        back=_address(group),
        crumbs=_crumbs(group),
        removal=(
            _("Was the member entered by mistake?"),
            _("Take the member away"),
            reverse("projects:member_remove", args=[pk]),
        ),
    )


@form_views
def member_remove(request: HttpRequest, pk: int) -> HttpResponse:
    member = _of_group(request, GroupMember.objects.select_related("person", "unit"), pk)
    group = member.group
    reader = _may_change(request, group.project)
    form = ReasonForm(_typed(request), instance=member)
    return _page(
        request,
        form,
        lambda: remove_member(reader, member, reason=form.cleaned_data["reason"]),
        said=lambda: _("The member is taken away."),
        to=lambda: _address(group),
        title=_("Take away %(member)s") % {"member": member},
        lead=group_label(group),
        note=_("For who never sat in the group. Who has left it gets a last day instead."),
        submit=_("Take the member away"),
        back=_address(group),
        crumbs=_crumbs(group),
        stops=True,
    )


# --- meetings --------------------------------------------------------------------------------------------


def _meeting_form(request: HttpRequest, meeting: GroupMeeting, reader: Reader) -> MeetingForm:
    if request.method != "POST":
        return MeetingForm(instance=meeting, reader=reader)
    return MeetingForm(
        request.POST,
        request.FILES,
        instance=meeting,
        reader=reader,
        was_too_large=upload_was_too_large(request),
    )


def _save_meeting(
    request: HttpRequest, reader: Reader, meeting: GroupMeeting, form: MeetingForm
) -> Callable[[], None]:
    def save() -> None:
        try:
            notes = save_meeting(
                reader, meeting, upload=form.cleaned_data.get("file") or None, reason=form.why
            )
        except DocumentRefused as refused:
            form.add_error("file", str(refused))
            return
        except SameContents as same:
            form.add_error("file", _("%(already)s Choose it among the minutes instead.") % {"already": same})
            return
        for note in notes:
            messages.warning(request, note)

    return save


@takes_files("DOCUMENT_LIMIT")
@form_views
def meeting_add(request: HttpRequest, pk: int) -> HttpResponse:
    group = _group(request, pk)
    reader = _may_change(request, group.project)
    new = GroupMeeting(group=group, municipality=reader.municipality)
    form = _meeting_form(request, new, reader)
    return _page(
        request,
        form,
        _save_meeting(request, reader, new, form),
        said=lambda: _("The meeting of %(day)s is added.") % {"day": new.held_on.isoformat()},
        to=lambda: _address(group),
        title=_("Add a meeting"),
        lead=group_label(group),
        submit=_("Add the meeting"),
        back=_address(group),
        crumbs=_crumbs(group),
    )


@takes_files("DOCUMENT_LIMIT")
@form_views
def meeting_change(request: HttpRequest, pk: int) -> HttpResponse:
    meeting = _of_group(request, GroupMeeting.objects.all(), pk)
    group = meeting.group
    reader = _may_change(request, group.project)
    form = _meeting_form(request, meeting, reader)
    return _page(
        request,
        form,
        _save_meeting(request, reader, meeting, form),
        said=lambda: _("The changes to the meeting are saved."),
        to=lambda: _address(group),
        title=_("Change the meeting"),
        lead=group_label(group),
        submit=_("Save"),
        back=_address(group),
        crumbs=_crumbs(group),
        removal=(
            _("Was the meeting never held?"),
            _("Take the meeting away"),
            reverse("projects:meeting_remove", args=[pk]),
        ),
    )


@form_views
def meeting_remove(request: HttpRequest, pk: int) -> HttpResponse:
    meeting = _of_group(request, GroupMeeting.objects.all(), pk)
    group = meeting.group
    reader = _may_change(request, group.project)
    form = ReasonForm(_typed(request), instance=meeting)
    return _page(
        request,
        form,
        lambda: remove_meeting(reader, meeting, reason=form.cleaned_data["reason"]),
        said=lambda: _("The meeting is taken away. Its minutes, if any, stay among the documents."),
        to=lambda: _address(group),
        title=_("Take away the meeting of %(day)s") % {"day": meeting.held_on.isoformat()},
        lead=group_label(group),
        submit=_("Take the meeting away"),
        back=_address(group),
        crumbs=_crumbs(group),
        stops=True,
    )
