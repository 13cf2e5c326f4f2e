"""Forms of saved views and chosen columns. The rules are in strategy.lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import GroupedForm
from strategy.lists import SavableList, own_view
from strategy.models import SavedView
from strategy.permissions import Reader
from values.text import squeeze

SHARED_LABEL = gettext_lazy("Offer the view to everybody in the municipality")


class ColumnsForm(GroupedForm, forms.Form):
    """The columns of a list, all but the first, which is always there."""

    mark_optional = False

    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Show these columns"), widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, listing: SavableList, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first, *choosable = listing.columns()
        field = self.fields["columns"]
        field.choices = choosable  # type: ignore[attr-defined]
        field.help_text = _("“%(column)s” is always shown.") % {"column": first[1]}


class ViewForm(GroupedForm, forms.Form):
    """The name of a view and whether others are offered it."""

    name = forms.CharField(
        label=gettext_lazy("Name of the view"),
        max_length=80,
        help_text=gettext_lazy("For example what it shows: Schools abroad this year."),
    )
    shared = forms.BooleanField(label=SHARED_LABEL, required=False)
    replace = forms.BooleanField(label=gettext_lazy("Replace my view of that name"), required=False)

    def __init__(
        self,
        *args: Any,
        reader: Reader,
        listing: SavableList,
        view: SavedView | None = None,
        opened: SavedView | None = None,
        **kwargs: Any,
    ) -> None:
        """`view` is renamed; without it one is saved, `opened` being the own view that it may replace."""
        super().__init__(*args, **kwargs)
        self.reader, self.listing, self.view = reader, listing, view
        asked = self.data.get("name", "") if self.is_bound else opened.name if opened else ""
        standing = own_view(reader, listing, squeeze(str(asked).replace("\0", ""))) if asked else None
        self.standing = standing if standing != view else None
        if view is not None or self.standing is None:
            del self.fields["replace"]  # Asked only where there is something to replace.

    def clean_name(self) -> str:
        name = squeeze(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(_("Fill in “%(label)s”.") % {"label": self.fields["name"].label})
        return name

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.standing is not None and not cleaned.get("replace"):
            replaceable = "replace" in self.fields
            self.add_error(
                "name",
                _("You already have the view “%(name)s”. Choose another name, or tick that it is replaced.")
                % {"name": self.standing.name}
                if replaceable
                else _("You already have the view “%(name)s”. Choose another name.")
                % {"name": self.standing.name},
            )
        return cleaned


def said_columns(listing: SavableList, names: Sequence[str]) -> str:
    """The labels of columns, in a row."""
    return ", ".join(str(label) for name, label in listing.columns() if name in names)
