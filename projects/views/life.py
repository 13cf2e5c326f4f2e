"""A project's life: the pages where steps are taken, what is missing is filled in, gates and effects are noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from pages.forms import saving
from projects.effects import (
    DateRefused,
    plan_follow_ups,
    proposed_dates,
    remove_follow_up,
    save_follow_up,
)
from projects.gates import correct_gate, documents_of, pass_gates, remove_gate
from projects.life import (
    STEPS,
    Need,
    StepRefused,
    asked_for,
    correct_state,
    correctable_to,
    give_state,
    missing_for,
    needed_in,
    step_label,
    take_step,
    unmet,
    why_it_moved,
    why_no_such_step,
)
from projects.life_forms import (
    CorrectionForm,
    EffectsForm,
    FillForm,
    FollowUpForm,
    GateForm,
    PlanForm,
    RemoveForm,
    StateForm,
    StepForm,
)
from projects.models import EffectFollowUp, Funder, GateKind, Project, ProjectGate, State
from projects.registry import change_project, named, require_standing
from projects.views.registry import ask_the_database_now, crumbs_of, project_of, status_of, typed
from strategy.permissions import Reader
from strategy.requests import found_or_404, reader_of

form_page = require_http_methods(["GET", "HEAD", "POST"])


def _changed(request: HttpRequest, pk: int) -> tuple[Reader, Project]:
    """The project that the reader may change, kept from others while something is saved."""
    reader = reader_of(request)
    project = project_of(request, pk, lock=request.method == "POST")
    reader.require("project.change", project)
    require_standing(project)
    return reader, project


# --- steps -----------------------------------------------------------------------------------------------


def _fill_in(form: FillForm, reader: Reader, project: Project, reason: str = "") -> bool:
    """Saves what was filled in of what was missing; False if nothing was."""
    funder = named(Funder, form.answers.get("funder", ""), reader.municipality)
    written = form.apply(funder)
    if written:
        change_project(reader, project, reason=reason)
    if form.passed:
        cleaned = form.cleaned_data
        pass_gates(
            reader,
            project,
            form.passed,
            on=cleaned["gates_on"],
            by=cleaned["gates_by"],
            evidence=cleaned["gates_evidence"],
            reason=reason,
        )
    planned = plan_follow_ups(reader, project, form.follow_ups, reason=reason)
    ask_the_database_now()
    return bool(written or form.passed or planned)


@form_page
def step(request: HttpRequest, pk: int, state: str) -> HttpResponse:
    """What the step means and needs; taken with what is missing in one go, or saved without being taken."""
    reader, project = _changed(request, pk)
    if state not in State.values or State(state) not in STEPS:
        raise Http404
    to_state = State(state)
    if (hindered := why_no_such_step(project, to_state, request.POST.get("seen_state"))) is not None:
        context = {
            "project": project,
            "problems": [{"text": hindered.text, "link": hindered.url}],
            "label": STEPS[to_state][0],
            "crumbs": crumbs_of(project),
        }
        return render(request, "projects/step.html", context, status=409)
    from_state = State(project.state)
    asked = asked_for(from_state, to_state)
    missing = unmet(project, asked)
    form = StepForm(typed(request), reader=reader, project=project, missing=missing, to_state=to_state)
    if request.method == "POST":
        saves_only = "save" in request.POST
        if form.is_valid():
            try:
                with saving(form), transaction.atomic():
                    filled = _fill_in(form, reader, project, form.cleaned_data["comment"])
                    if not saves_only:
                        take_step(
                            reader,
                            project,
                            to_state,
                            on=form.cleaned_data["on"],
                            comment=form.cleaned_data["comment"],
                            seen_state=form.cleaned_data["seen_state"] or None,
                        )
            except StepRefused as refused:
                form.tell(refused.problems)
            except DateRefused as refused_day:
                form.add_error("follow_ups", str(refused_day))
            if form.is_valid() and saves_only:
                _say_saved(request, filled)
                return redirect("projects:step", pk=project.pk, state=to_state)
            if form.is_valid():
                said = _("%(id)s now stands at “%(state)s”.") % {
                    "id": project.register_id,
                    "state": to_state.label,
                }
                messages.success(request, said)
                return redirect(project)
        elif not saves_only:
            # What cannot be read is told together with what is missing.
            form.tell(
                problem
                for problem in missing_for(project, missing, reader.today)
                if not _is_given(form, problem.need)
            )
        project.refresh_from_db()
    behind = unmet(project, [need for need in needed_in(from_state) if need not in asked])
    context = {
        "form": form,
        "project": project,
        "label": step_label(from_state, to_state),
        "meaning": STEPS[to_state][1],
        "needs": needs_list(project, asked, missing, form),
        "behind": needs_list(project, behind, behind),
        "may_save": bool(missing) and bool(form.given),
        "crumbs": crumbs_of(project),
    }
    return render(request, "projects/step.html", context, status=status_of(form))


def _is_given(form: FillForm, need: Need | None) -> bool:
    """Whether something was typed for the need, readable or not."""
    if need is None:
        return False
    if need.gate is not None:
        return need.gate.value in form.data.getlist("gates")  # type: ignore[attr-defined]
    return any(form.data.get(name, "").strip() for name in need.fields)


def _say_saved(request: HttpRequest, filled: bool) -> None:
    if filled:
        messages.success(request, _("What you filled in is saved."))
    else:
        messages.info(request, _("Nothing was filled in, so nothing was saved."))


def needs_list(
    project: Project, asked: Iterable[Need], missing: Sequence[Need], form: FillForm | None = None
) -> list[dict[str, Any]]:
    """Each need with whether it is met, and where it is filled in: on this page where the form has it."""
    told = []
    for need in asked:
        field = next((name for name in need.fields if form is not None and name in form.fields), None)
        told.append(
            {
                "label": str(need.label)[:1].upper() + str(need.label)[1:],
                "sentence": need.sentence,
                "met": need not in missing,
                "url": f"#{form[field].first_id}" if form is not None and field else need.place(project),  # type: ignore[attr-defined]
            }
        )
    return told


@form_page
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """The state of a project of which it is not known, or the correction of a wrong one."""
    reader, project = _changed(request, pk)
    # A form opened while the state was not known carries none.
    seen_state = request.POST.get("seen_state", "")
    form: StateForm | CorrectionForm
    if request.method == "POST" and (hindered := why_it_moved(project, seen_state)) is not None:
        context = {
            "project": project,
            "problems": [{"text": hindered.text, "link": hindered.url}],
            "here": State(project.state).label if project.state else "",
            "crumbs": crumbs_of(project),
        }
        return render(request, "projects/state.html", context, status=409)
    opened = {"seen_state": project.state}
    if project.state:
        steps = list(project.steps.select_related("taken_by"))
        form = CorrectionForm(typed(request), initial=opened, states=correctable_to(project, steps))
    else:
        form = StateForm(typed(request), initial=opened)
    if request.method == "POST" and form.is_valid():
        try:
            with saving(form):
                chosen, reason = form.cleaned_data["state"], form.cleaned_data["reason"]
                if isinstance(form, CorrectionForm):
                    correct_state(reader, project, chosen, reason=reason, seen_state=seen_state)
                else:
                    give_state(reader, project, State(chosen), reason=reason, seen_state=seen_state)
        except StepRefused as refused:
            for problem in refused.problems:
                form.add_error(problem.field if problem.field in form.fields else None, problem.text)
        if form.is_valid():
            label = State(project.state).label if project.state else _("not stated")
            said = _("%(id)s now stands at “%(state)s”.") % {"id": project.register_id, "state": label}
            messages.success(request, said)
            return redirect(project)
    context = {
        "form": form,
        "project": project,
        "here": State(project.state).label if project.state else "",
        "crumbs": crumbs_of(project),
    }
    return render(request, "projects/state.html", context, status=status_of(form))


@form_page
def fill(request: HttpRequest, pk: int) -> HttpResponse:
    """What the project's state needs and the project lacks, on one page."""
    reader, project = _changed(request, pk)
    missing = unmet(project, needed_in(project.state))
    form = FillForm(typed(request), reader=reader, project=project, missing=missing)
    if request.method == "POST" and form.is_valid():
        filled = False
        try:
            with saving(form), transaction.atomic():
                filled = _fill_in(form, reader, project)
        except DateRefused as refused:
            form.add_error("follow_ups", str(refused))
        if form.is_valid():
            _say_saved(request, filled)
            return redirect(project)
    context = {
        "form": form if form.given else None,
        "project": project,
        "is_whole": not missing,
        # What the form does not hold is filled in elsewhere.
        "elsewhere": needs_list(project, [need for need in missing if not need.fields], missing),
        "crumbs": crumbs_of(project),
    }
    return render(request, "projects/fill.html", context, status=status_of(form))


# --- gates -----------------------------------------------------------------------------------------------


@form_page
def gate(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """One of the six gates: noted, corrected, or, with `remove`, taken away with a reason."""
    if kind not in GateKind.values:
        raise Http404
    reader, project = _changed(request, pk)
    standing = (
        ProjectGate.objects.filter(project=project, kind=kind)
        .select_related("done_by", "document", "project__owner_unit")
        .first()
    )
    row = standing or ProjectGate(municipality_id=project.municipality_id, project=project, kind=kind)
    documents = documents_of(reader, project)
    removes = "remove" in request.POST and standing is not None
    form = GateForm(None if removes else typed(request), reader=reader, instance=row, documents=documents)
    removal = RemoveForm(typed(request) if removes else None, instance=row)
    if removes and standing is not None and removal.is_valid():
        with saving(removal):
            remove_gate(reader, standing, reason=removal.cleaned_data["reason"])
        if removal.is_valid():
            messages.success(request, _("%(gate)s is no longer noted as passed.") % {"gate": row})
            return redirect(f"{project.get_absolute_url()}#gates")
    elif request.method == "POST" and not removes and form.is_valid():
        with saving(form):
            gate_now = form.apply()
            if standing is not None:
                correct_gate(reader, gate_now, reason=form.cleaned_data["reason"])
            else:
                pass_gates(
                    reader,
                    project,
                    [GateKind(kind)],
                    on=gate_now.done_on,
                    by=gate_now.done_by,
                    evidence=gate_now.evidence,
                    document=gate_now.document,
                )
            ask_the_database_now()
        if form.is_valid():
            messages.success(request, _("%(gate)s is saved.") % {"gate": row})
            return redirect(f"{project.get_absolute_url()}#gates")
    context = {
        "form": form,
        "removal": removal if standing is not None else None,
        "project": project,
        "label": GateKind(kind).label,
        "crumbs": crumbs_of(project),
    }
    return render(request, "projects/gate.html", context, status=max(status_of(form), status_of(removal)))


# --- effects and their follow-ups ------------------------------------------------------------------------


@form_page
def effects(request: HttpRequest, pk: int) -> HttpResponse:
    """What the project was to bring and brought, and when that is followed up."""
    reader, project = _changed(request, pk)
    form = EffectsForm(typed(request), reader=reader, instance=project)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_project(reader, form.apply(), reason=form.cleaned_data["reason"])
            ask_the_database_now()
        if form.is_valid():
            messages.success(request, _("The effects of %(id)s are saved.") % {"id": project.register_id})
            return redirect(f"{project.get_absolute_url()}#effects")
    return _effects_page(request, reader, project, form, PlanForm(project=project))


def _effects_page(
    request: HttpRequest, reader: Reader, project: Project, form: EffectsForm, plan_form: PlanForm
) -> HttpResponse:
    planned = list(project.follow_ups.all())
    context = {
        "form": form,
        "plan_form": plan_form,
        "project": project,
        "follow_ups": planned,
        "today": reader.today,
        "proposed": proposed_dates(project, [one.due_on for one in planned], today=reader.today),
        "crumbs": crumbs_of(project),
    }
    status = max(status_of(form), status_of(plan_form))
    return render(request, "projects/effects.html", context, status=status)


@form_page
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Plans follow-ups: one and three years after the end with one click (`propose`), or one on a day."""
    reader, project = _changed(request, pk)
    effects_url = f"{reverse('projects:effects', args=[project.pk])}#follow-ups"
    if request.method != "POST":
        return redirect(effects_url)
    if "propose" in request.POST:
        known = project.follow_ups.values_list("due_on", flat=True)
        planned = plan_follow_ups(reader, project, proposed_dates(project, known, today=reader.today))
    else:
        form = PlanForm(request.POST, project=project)
        if not form.is_valid():
            return _effects_page(request, reader, project, EffectsForm(reader=reader, instance=project), form)
        planned = plan_follow_ups(reader, project, [form.cleaned_data["due_on"]])
    if planned:
        said = ngettext(
            "One follow-up is planned: %(days)s.", "%(count)d follow-ups are planned: %(days)s.", len(planned)
        ) % {"count": len(planned), "days": ", ".join(one.due_on.isoformat() for one in planned)}
        messages.success(request, said)
    else:
        messages.info(request, _("No follow-up was planned: give the end of the project first, or a day."))
    return redirect(effects_url)


@form_page
def follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    """What a follow-up found; or, with `remove`, that it will not be made."""
    reader = reader_of(request)
    visible = EffectFollowUp.objects.filter(
        municipality=reader.municipality, project__in=Project.objects.visible_to(reader)
    )
    found = found_or_404(reader, visible, pk)
    reader, project = _changed(request, found.project_id)
    # Read again behind the project's lock: what somebody else saved meanwhile stands there.
    row = found_or_404(reader, visible.select_related("project__owner_unit", "done_by"), pk)
    removes = "remove" in request.POST
    form = FollowUpForm(None if removes else typed(request), reader=reader, instance=row)
    removal = RemoveForm(typed(request) if removes else None, instance=row)
    if removes and removal.is_valid():
        with saving(removal):
            remove_follow_up(reader, row, reason=removal.cleaned_data["reason"])
        if removal.is_valid():
            messages.success(request, _("The follow-up is removed."))
            return redirect(f"{project.get_absolute_url()}#effects")
    elif request.method == "POST" and not removes and form.is_valid():
        with saving(form):
            save_follow_up(reader, form.apply(), reason=form.cleaned_data["reason"])
        if form.is_valid():
            messages.success(request, _("The follow-up is saved."))
            return redirect(f"{project.get_absolute_url()}#effects")
    context = {
        "form": form,
        "removal": removal,
        "project": project,
        "row": row,
        "crumbs": crumbs_of(project),
    }
    return render(
        request, "projects/follow_up.html", context, status=max(status_of(form), status_of(removal))
    )
