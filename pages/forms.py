"""Forms: how they are shown, what may be typed for money and dates, and what happens when two save at once.

A page says `{{ form }}` inside its `<form method="post" novalidate>` and adds the token and the buttons.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ImproperlyConfigured, ValidationError
from django.db import IntegrityError, transaction
from django.forms.renderers import TemplatesSetting
from django.forms.utils import pretty_name
from django.forms.widgets import Input
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import on_screen
from values.errors import Refused
from values.money import Amount, format_money, parse_amount
from values.precision import PartialDate, Precision, parse_partial_date

Text = str | Promise
if TYPE_CHECKING:
    AnyModelForm = forms.BaseModelForm[Any]
else:  # Generic for the type checker alone.
    AnyModelForm = forms.BaseModelForm

# --- how a field is shown --------------------------------------------------------------------------------


class ShownField(forms.BoundField):
    """A field of a form as the templates in templates/django/forms/ show it."""

    @property
    def is_optional(self) -> bool:
        """Whether "(optional)" stands at the label. A search, where all are, sets mark_optional = False."""
        return (
            not self.field.required and not self.field.disabled and getattr(self.form, "mark_optional", True)
        )

    @property
    def is_single_choice(self) -> bool:
        return isinstance(self.field.widget, forms.CheckboxInput)

    @property
    def first_id(self) -> str:
        """Where the error summary leads: the control, or the first of several."""
        return f"{self.auto_id}_0" if self.use_fieldset else self.id_for_label

    @property
    def read_back(self) -> str:
        """How we read what was typed, once it has been read and looks different from what was typed."""
        say: Callable[[Any], str] | None = getattr(self.field, "read_back", None)
        if say is None or not self.form.is_bound or self.errors:
            return ""
        value = self.form.cleaned_data.get(self.name)
        if value is None or self.data == self.field.prepare_value(value):
            return ""
        return say(value)

    @property
    def described_by(self) -> str:
        """Ids of help, read-back and error, in the order in which they stand, then what the widget adds."""
        notes = {"helptext": self.help_text, "read": self.read_back, "error": self.errors}
        ids = [f"{self.auto_id}_{name}" for name, stands in notes.items() if stands] if self.auto_id else []
        own = self.field.widget.attrs.get("aria-describedby")
        return " ".join([*ids, own] if own else ids)

    @property
    def aria_describedby(self) -> str:
        return self.described_by

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        """The class by kind of control. The browser neither refuses nor cuts: our own errors say what to do,
        and what was pasted stays whole. Placeholders vanish when typing begins: labels and help do not."""
        shown = widget or self.field.widget
        built = super().build_widget_attrs(attrs, widget)
        built.pop("required", None)
        if self.use_fieldset:
            built.pop("aria-invalid", None)  # Belongs to the group, which says it in its description.
        for unwanted in ("maxlength", "placeholder"):
            if unwanted in shown.attrs:
                built[unwanted] = False
        own = built.get("class") or shown.attrs.get("class")
        if css := " ".join([_css(shown), str(own)] if own else [_css(shown)]).strip():
            built["class"] = css
        return built


def _css(widget: forms.Widget) -> str:
    match widget:
        case _ if widget.is_hidden:
            return ""
        case forms.Textarea():
            return "input input--area"
        case forms.FileInput():
            return "input input--file"
        case forms.CheckboxInput() | forms.RadioSelect() | forms.CheckboxSelectMultiple():
            return ""
        case forms.Select():
            return "select"
        case Input():
            return "input"
    return ""


class Renderer(TemplatesSetting):
    """The one form renderer (settings.FORM_RENDERER): our templates, and Django's for plain controls."""

    form_template_name = "django/forms/div.html"
    field_template_name = "django/forms/field.html"
    bound_field_class = ShownField


@dataclass(frozen=True)
class Group:
    """Fields under one heading. A row holds one field, or several shown side by side."""

    title: Text
    rows: list[list[forms.BoundField]]
    help: Text = ""
    folded: bool = False
    # Whether what the form itself has filled in opens the group, or only what a person has.
    filled_opens: bool = True

    @property
    def opens(self) -> bool:
        """Whether a folded group stands open: something in it is filled in or wrong."""
        return any(field.errors or self._is_filled(field) for row in self.rows for field in row)

    def _is_filled(self, field: forms.BoundField) -> bool:
        if field.value() in (None, "", [], False):
            return False
        return self.filled_opens or (field.form.is_bound and field.name in field.form.changed_data)


class GroupedForm(forms.BaseForm):
    """A form whose groups are data.

    `groups = [(title, ["title", "funder"]), (title, [("starts", "ends")], help, True)]`: a tuple of names is a
    row of fields side by side, and True folds the group away until somebody opens it or something stands in it.
    Fields in no group come last, without a heading; a field that the form has dropped (no permission) is passed
    over; a misspelt name is an error.
    """

    base_fields: dict[str, forms.Field]
    groups: ClassVar[Sequence[tuple[Any, ...]]] = ()
    # False where a fold stays closed over what the form proposes: it is looked at by who wants to.
    filled_opens: ClassVar[bool] = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            label = field.label or pretty_name(name)
            if field.error_messages.get("required") == forms.Field.default_error_messages["required"]:
                field.error_messages["required"] = _required(field, label)
            for code, message in field.error_messages.items():
                if any(message is one for one in _NOT_AMONG_THE_CHOICES):
                    field.error_messages[code] = _(
                        "Choose another answer for “%(label)s”: this one is not in the list."
                    ) % {"label": label}

    @property
    def field_groups(self) -> list[Group]:
        shown: list[Group] = []
        placed: set[str] = set()
        for title, names, *rest in self.groups:
            rows = [self._row((name,) if isinstance(name, str) else name) for name in names]
            placed.update(field.name for row in rows for field in row)
            if rows := [row for row in rows if row]:
                shown.append(replace(Group(title, rows, *rest), filled_opens=self.filled_opens))
        left = [[field] for field in self.visible_fields() if field.name not in placed]
        return [*shown, Group("", left)] if left else shown

    def _row(self, names: Sequence[str]) -> list[forms.BoundField]:
        if unknown := [name for name in names if name not in self.fields and name not in self.base_fields]:
            raise ImproperlyConfigured(
                f"{type(self).__name__}.groups names unknown fields: {', '.join(unknown)}."
            )
        return [self[name] for name in names if name in self.fields and not self[name].is_hidden]


# What Django says in two sentences of a choice that was tampered with, or is no longer there.
_NOT_AMONG_THE_CHOICES: Final = [
    kind.default_error_messages[code]
    for kind, code in (
        (forms.ChoiceField, "invalid_choice"),
        (forms.MultipleChoiceField, "invalid_choice"),
        (forms.ModelChoiceField, "invalid_choice"),
        (forms.ModelMultipleChoiceField, "invalid_choice"),
        (forms.ModelMultipleChoiceField, "invalid_pk_value"),
    )
]


def _required(field: forms.Field, label: Text) -> str:
    """Django's “This field is required.” says in the summary neither which field nor what to do."""
    if isinstance(field, forms.FileField):
        return _("Choose a file for “%(label)s”.") % {"label": label}
    if isinstance(field, forms.ChoiceField):
        return _("Choose an answer for “%(label)s”.") % {"label": label}
    return _("Fill in “%(label)s”.") % {"label": label}


# --- what cannot be read ---------------------------------------------------------------------------------

# A sentence for each code of values: they refuse, the floor that speaks to people says what to do.
REFUSALS: Final[dict[str, Text]] = {
    "amount_is_missing": gettext_lazy("Write the amount, for example 400 000 kr."),
    "not_an_amount": gettext_lazy(
        "“%(text)s” cannot be read as an amount. Write it as 400 000 kr, 400 tkr, 1,5 mkr or 1 200 EUR, "
        "with “ca” in front if it is not exact."
    ),
    "unit_is_not_known": gettext_lazy(
        "“%(unit)s” is not a currency or unit that we know. Write kr, tkr, mkr or a currency such as EUR."
    ),
    "currencies_differ": gettext_lazy(
        "Two currencies are mixed, %(one)s and %(other)s. Write the amount in one of them."
    ),
    "amount_has_parts_of_an_ore": gettext_lazy(
        "“%(text)s” has parts of an öre. Write thousands with a space (1 234 kr) and at most two decimals."
    ),
    "amount_is_too_large": gettext_lazy(
        "“%(text)s” is larger than can be stored. Check the number of zeros."
    ),
    "number_is_missing": gettext_lazy("Write the number, for example 1 234,50."),
    "not_a_number": gettext_lazy("“%(text)s” cannot be read as a number. Write it as 1 234,50."),
    "decimal_mark_is_ambiguous": gettext_lazy(
        "“%(text)s” can be read in two ways. Write thousands with a space and decimals with a comma: "
        "1 234,50."
    ),
    "number_has_too_many_digits": gettext_lazy("“%(text)s” has too many digits. Check the number."),
    "date_is_missing": gettext_lazy("Write the date, for example 2026-09-01 or 2026-09."),
    "not_a_date": gettext_lazy(
        "“%(text)s” cannot be read as a date. Write 2026-09-01, or 2026-09 or 2026 if the day is not known."
    ),
    "year_is_out_of_range": gettext_lazy(
        "“%(text)s” has a year that cannot be right. Write a year from %(first)s to %(last)s."
    ),
    "month_does_not_exist": gettext_lazy("“%(text)s” has a month that does not exist. Write 01 to 12."),
    "day_does_not_exist": gettext_lazy("“%(text)s” has a day that does not exist. Check the date."),
    "period_is_missing": gettext_lazy("Write the period, for example 2026-09 – 2028-08."),
    "not_a_period": gettext_lazy(
        "“%(text)s” cannot be read as a period. Write 2026, 2026-09 or 2026-09 – 2028-08."
    ),
    "period_ends_before_it_starts": gettext_lazy(
        "The period ends %(last)s, before it starts %(first)s. Change one of the dates."
    ),
    "organisation_number_is_missing": gettext_lazy("Write the organisation number, for example 212000-0530."),
    "organisation_number_has_ten_digits": gettext_lazy(
        "An organisation number has ten digits. Write it as 212000-0530."
    ),
    "organisation_number_looks_like_a_personal_one": gettext_lazy(
        "This looks like a personal identity number, which is not stored here. Write an organisation number."
    ),
    "organisation_number_has_wrong_check_digit": gettext_lazy(
        "The last digit of the organisation number does not fit the others. Check the number."
    ),
}


def refusal_text(refused: Refused) -> str:
    """The sentence for what values refused, in the reader's language. A code without one is a KeyError."""
    return str(REFUSALS[refused.code]) % refused.params


class AmountField(forms.Field):
    """“ca 400 tkr” → Amount, empty → None. Below zero is refused unless allow_negative."""

    widget = forms.TextInput(attrs={"class": "input--money", "autocomplete": "off"})

    def __init__(self, *, allow_negative: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_negative = allow_negative

    def to_python(self, value: Any) -> Amount | None:
        if value is None or isinstance(value, Amount):
            return value
        if not str(value).strip():
            return None
        try:
            amount = parse_amount(str(value))
        except Refused as refused:
            raise ValidationError(refusal_text(refused), code=refused.code) from None
        if amount.money.amount < 0 and not self.allow_negative:
            raise ValidationError(_("Write an amount that is not below zero."), code="negative")
        return amount

    def prepare_value(self, value: Any) -> Any:
        """What stands in the box; what was typed is kept as typed. It can be read again in every language."""
        if not isinstance(value, Amount):
            return value
        written = format_money(value.money)
        return f"ca {written}" if value.approximate else written

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(initial) != self.to_python(data))
        except ValidationError:
            return True

    def read_back(self, value: Amount) -> str:
        return _("We read this as %(amount)s.") % {"amount": on_screen(value)}


class PartialDateField(forms.Field):
    """“2016-09-01”, “2016-09”, “2016” or “sep 2016” → PartialDate, empty → None.

    `end` says that the day closes a period, for what is said back: its last day is included.
    """

    widget = forms.TextInput(attrs={"class": "input--date", "autocomplete": "off"})

    def __init__(self, *, end: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.end = end

    def to_python(self, value: Any) -> PartialDate | None:
        if value is None or isinstance(value, PartialDate):
            return value
        if not str(value).strip():
            return None
        try:
            return parse_partial_date(str(value))
        except Refused as refused:
            raise ValidationError(refusal_text(refused), code=refused.code) from None

    def prepare_value(self, value: Any) -> Any:
        return value.label if isinstance(value, PartialDate) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(initial) != self.to_python(data))
        except ValidationError:
            return True

    def read_back(self, value: PartialDate) -> str:
        match value.precision:
            case Precision.DAY:
                written = date_format(value.first, "DATE_FORMAT")
            case Precision.MONTH:
                written = date_format(value.first, "YEAR_MONTH_FORMAT")
            case Precision.YEAR:
                written = str(value.first.year)
        if self.end and value.precision is not Precision.DAY:
            return _("We read this as %(date)s, up to and including %(last)s.") % {
                "date": written,
                "last": date_format(value.last, "DATE_FORMAT"),
            }
        return _("We read this as %(date)s.") % {"date": written}


# --- two people at once ----------------------------------------------------------------------------------


class Change(NamedTuple):
    """One value that somebody else saved: the field's label, what now stands there, who and when."""

    label: Text
    value: object
    who: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Collision:
    """What was saved since the form was opened, newest first; empty when that cannot be known."""

    changes: tuple[Change, ...]

    @property
    def who(self) -> str:
        return self.changes[0].who if self.changes else ""

    @property
    def when(self) -> datetime | None:
        return self.changes[0].when if self.changes else None


class VersionedForm(forms.BaseForm):
    """A form that carries the version it was opened with and overwrites nobody in silence.

    Put before forms.ModelForm among the bases (or give a plain form an attribute `instance`). On a collision
    the form shows what the others saved (`collision`), keeps what was changed here, takes what now stands into
    the fields that were left as they were opened, and carries the new version, so that saving again is done
    knowingly and puts nothing back. Two saves in the same moment are told apart only if the view has
    read the instance with select_for_update in the transaction that saves it.
    """

    instance: Any  # With pk and an integer `version` that grows by one at each save.
    collision: Collision | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Read now: cleaning writes into the instance.
        self.current_version: int | None = self.instance.version if self.instance.pk is not None else None
        if self.current_version is not None:
            self.fields["version"] = forms.CharField(
                widget=forms.HiddenInput, required=False, initial=str(self.current_version)
            )
            # Asked when the page is written: a form may fill in its fields after this.
            self.fields["opened"] = forms.CharField(
                widget=forms.HiddenInput, required=False, initial=lambda: json.dumps(self._standing())
            )

    def changes_since(self, instance: Any, version: int) -> Sequence[tuple[Text, object, str, datetime]]:
        """(label, value that now stands, who, when) of what was saved after `version`, newest first."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        # Taken out, so that a model form never writes it into the instance.
        opened, prints = cleaned.pop("version", ""), cleaned.pop("opened", "")
        if self.current_version is None or opened == str(self.current_version):
            return cleaned
        changes = (
            tuple(Change(*change) for change in self.changes_since(self.instance, int(opened)))
            if opened.isdecimal()
            else ()
        )
        self.collision = Collision(changes)
        self._carry(self.current_version, _read_prints(prints))
        self.add_error(None, ValidationError(_collision_sentence(self.collision), code="changed_by_another"))
        return cleaned

    def _standing(self) -> dict[str, str]:
        """A fingerprint of what each field shows of what stands: the page remembers what it was opened with."""
        return {name: _print(self._shown(name)) for name in self.fields if name not in ("version", "opened")}

    def _shown(self, name: str) -> Any:
        field = self.fields[name]
        return field.prepare_value(self.get_initial_for_field(field, name))

    def _carry(self, version: int, opened: Mapping[str, str]) -> None:
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # A QueryDict or a dict.
        standing = self._standing()
        for name, now in standing.items():
            address = self.add_prefix(name)
            sent = _print(self.fields[name].widget.value_from_datadict(data, self.files, address))
            if now != sent == opened.get(name):
                _put(data, address, self._shown(name))
                self.errors.pop(name, None)
        data[self.add_prefix("version")] = str(version)
        data[self.add_prefix("opened")] = json.dumps(standing)
        self.data = data


def _written(value: Any) -> list[str]:
    """A value as a browser sends it: one text, several of a list, none of what is empty."""
    values = value if isinstance(value, list | tuple) else [value]
    texts = ["on" if one is True else str(one) for one in values if one is not None and one is not False]
    return [text for text in ("\n".join(one.splitlines()).strip() for one in texts) if text]


def _print(value: Any) -> str:
    return sha256(json.dumps(sorted(_written(value))).encode()).hexdigest()[:16]


def same_answer(sent: Any, standing: Any) -> bool:
    """Whether what was sent for a field is what stands, as a form shows it; None is an empty field."""
    return _print(sent) == _print(standing)


def _read_prints(text: str) -> dict[str, str]:
    """What a page says it was opened with; nothing where it does not say so: then all counts as changed."""
    try:
        prints = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return prints if isinstance(prints, dict) else {}


def _put(data: Any, address: str, value: Any) -> None:
    written = _written(value)
    if isinstance(data, QueryDict) and written:
        data.setlist(address, written)
    elif written:
        data[address] = written if isinstance(value, list | tuple) else written[0]
    else:
        data.pop(address, None)


def _collision_sentence(collision: Collision) -> str:
    if collision.when is None:
        return _("This was changed while you had the page open. Compare with what stands, then save again.")
    when = localtime(collision.when) if is_aware(collision.when) else collision.when
    return _(
        "%(who)s changed this at %(time)s on %(date)s, while you had the page open. "
        "Compare, then save again if yours should stand."
    ) % {
        "who": collision.who,
        "time": date_format(when, "H:i"),
        "date": date_format(when, "DATE_FORMAT"),
    }


# --- what the database refuses ---------------------------------------------------------------------------

_messages: dict[str, tuple[Text, str | None]] = {}


def register_messages(messages: Mapping[str, Text], *, fields: Mapping[str, str] | None = None) -> None:
    """Constraint name → sentence that says what to do; `fields` names the form field it belongs to.

    Called at start-up by each subject for its own constraints. A name registered twice is an error.
    """
    if twice := sorted(_messages.keys() & messages.keys()):
        raise ValueError(f"These constraints have a message already: {', '.join(twice)}.")
    if stray := sorted((fields or {}).keys() - messages.keys()):
        raise ValueError(f"These have a field but no message: {', '.join(stray)}.")
    for name, message in messages.items():
        _messages[name] = (message, (fields or {}).get(name))


def constraint_name(error: IntegrityError) -> str | None:
    """Which constraint refused, as PostgreSQL names it."""
    name: str | None = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    return name


def constraint_message(error: IntegrityError) -> str | None:
    """The sentence for the constraint that refused, in the reader's language; None if it has none."""
    name = constraint_name(error)
    return str(_messages[name][0]) if name in _messages else None


@contextmanager
def saving(form: forms.BaseForm) -> Iterator[None]:
    """Saves within a savepoint; what the database refuses becomes an error of the form.

    with saving(form):
        form.save()
    if form.is_valid(): …

    A refusal without a registered message is raised on. Deferred constraints speak at commit only, too late
    for this: `SET CONSTRAINTS ALL IMMEDIATE` within the block brings them forward.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        message = constraint_message(error)
        if message is None:
            raise
        _add(form, constraint_name(error), message)


def _add(form: forms.BaseForm, name: str | None, message: str) -> None:
    field = _messages[name][1] if name else None
    form.add_error(field if field in form.fields else None, ValidationError(message, code=name))


class ConstrainedForm(AnyModelForm):
    """A model form that says the registered sentence where Django would say “Constraint … is violated”.

    Put before forms.ModelForm among the bases.
    """

    def _update_errors(self, errors: ValidationError) -> None:
        told = {
            str(constraint.get_violation_error_message()): constraint.name
            for _model, constraints in self.instance.get_constraints()
            for constraint in constraints
            if constraint.name in _messages
        }
        if hasattr(errors, "error_dict"):
            kept = []
            for error in errors.error_dict.pop(NON_FIELD_ERRORS, []):
                name = told.get(str(error.message))
                if name is None:
                    kept.append(error)
                else:
                    _add(self, name, str(_messages[name][0]))
            if kept:
                errors.error_dict[NON_FIELD_ERRORS] = kept
        super()._update_errors(errors)  # type: ignore[misc]  # Private in Django, and not in its stubs.
