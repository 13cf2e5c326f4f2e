"""A person's lost second factor is taken away by the administrator, with a reason."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from pages.forms import GroupedForm
from strategy.models import Account
from strategy.requests import found_or_404, reader_of
from strategy.responsibilities import insist, may_take_second_factor_away, visible_people
from strategy.second_factor import ask_who_it_is, has_second_factor, take_away
from strategy.views.pages import Crumb, form_page


class TakeAwayForm(GroupedForm, forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "For example: the phone is lost. Make sure that it is really the person who asks. "
            "The reason stands in the history."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def person_second_factor(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("person.change")
    person = found_or_404(reader, visible_people(reader), pk)
    insist(may_take_second_factor_away(reader, person), reader, "take the second factor away")
    if person.pk == reader.person.pk:
        # There the password or a code is asked for first.
        return redirect("mfa_index")
    if again := ask_who_it_is(request):
        return again
    account = Account.objects.filter(person=person).first()
    stands = account is not None and has_second_factor(account)
    form = TakeAwayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if take_away(person, reason=form.cleaned_data["reason"]):
            messages.success(
                request,
                _(
                    "The second factor is taken away. %(name)s logs in with the password and sets up a new one."
                )
                % {"name": person.name},
            )
        else:
            messages.info(request, _("%(name)s has no second factor.") % {"name": person.name})
        return redirect("responsibilities")
    return form_page(
        request,
        form,
        title=_("Take away the second factor of %(name)s") % {"name": person.name},
        lead=_(
            "For somebody who has lost both the authenticator app and the recovery codes. "
            "Until a new one is set up, the password alone opens the account."
        ),
        note="" if stands else _("%(name)s has no second factor.") % {"name": person.name},
        submit=_("Take away the second factor"),
        back=reverse("responsibilities"),
        crumbs=(Crumb(_("Responsibilities"), reverse("responsibilities")),),
        stops=True,
    )
