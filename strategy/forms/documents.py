"""Forms about documents: what is said of one, the file that comes with it, and withdrawing it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import NOT_STATED
from pages.forms import ConstrainedForm, GroupedForm, PartialDateField, Text, VersionedForm
from strategy import history
from strategy.documents import ACCEPTED, MESSAGES, TAKEN, too_large
from strategy.forms.responsibilities import REASON_HELP
from strategy.models import Document, DocumentKind, Retention
from values.personal_number import holds_personal_number
from values.precision import Precision
from values.text import squeeze

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class LineField(forms.CharField):
    """Text on one line, without invisible signs and personal identity numbers; what was typed is kept."""

    def __init__(self, **kwargs: Any) -> None:
        self.limit: int = kwargs.pop("max_length")
        super().__init__(**kwargs)
        self.validators = []

    def to_python(self, value: Any) -> str:
        text = squeeze(str(value or ""))
        if _CONTROL.search(text):
            raise ValidationError(
                _("The text holds an invisible control character. Delete what was pasted and type it."),
                code="control_character",
            )
        if holds_personal_number(text):
            raise ValidationError(
                _("The text holds what looks like a personal identity number. Write it without."),
                code="personal_number",
            )
        if len(text) > self.limit:
            raise ValidationError(
                _("Shorten the text to %(limit)d characters. It has %(length)d now.")
                % {"limit": self.limit, "length": len(text)},
                code="max_length",
            )
        return text


class ExactDayField(PartialDateField):
    """A day that is known as a day: nothing is made up of a month."""

    def clean(self, value: Any) -> Any:
        read = super().clean(value)
        if read is not None and read.precision is not Precision.DAY:
            raise ValidationError(
                _("Give the day too, for example %(day)s.") % {"day": read.first.isoformat()},
                code="not_a_day",
            )
        return None if read is None else read.first

    def prepare_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else super().prepare_value(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.clean(data))
        except ValidationError:
            return True

    def read_back(self, value: Any) -> str:
        return ""


def ask_for_the_file_again(form: forms.BaseForm) -> None:
    """A form that comes back has lost the file that was sent with it: a browser never sends one by itself."""
    if form.is_bound and form.errors and form.files and "file" in form.fields and "file" not in form.errors:
        form.add_error(
            "file", _("Choose the file once more. It was not kept, since something else is to be mended.")
        )


class DocumentFactsForm(GroupedForm, ConstrainedForm, forms.ModelForm):  # type: ignore[type-arg]
    """What is said of a document: kind, title, date, registry number, secrecy and retention."""

    ABOUT: ClassVar[list[Any]] = ["kind", "title", ("dated_on", "dnr")]
    ARCHIVE: ClassVar[tuple[Any, ...]] = (
        gettext_lazy("Secrecy and retention"),
        ["is_secret", "legal_ground", "retention", "kept_until"],
        "",
        True,
    )

    title = LineField(label=gettext_lazy("Title"), max_length=200)
    dated_on = ExactDayField(
        label=gettext_lazy("Date"), required=False, help_text=gettext_lazy("Of the document: 2026-09-14")
    )
    dnr = LineField(
        label=gettext_lazy("Registry number"),
        max_length=50,
        required=False,
        help_text=gettext_lazy("Ours, for example KS 2026/0163"),
    )
    is_secret = forms.BooleanField(
        label=gettext_lazy("The document is marked secret"),
        required=False,
        help_text=gettext_lazy("Then only those who may read secret documents of the project see it."),
    )
    legal_ground = LineField(
        label=gettext_lazy("Legal ground"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("For a document that is marked secret, for example OSL 26 kap. 1 §."),
    )
    kept_until = ExactDayField(
        label=gettext_lazy("Kept until"),
        required=False,
        help_text=gettext_lazy("By the municipality's plan of what is kept: 2036-12-31"),
    )

    class Meta:
        model = Document
        fields = ["kind", "title", "dated_on", "dnr", "is_secret", "legal_ground", "retention", "kept_until"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = self.fields["kind"]
        kind.choices = [("", _("Choose a kind")), *DocumentKind.choices]
        retention: Any = self.fields["retention"]
        retention.label = _("How long it is kept")
        retention.choices = [("", NOT_STATED), *retention.choices[1:]]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        secret, ground = cleaned.get("is_secret"), cleaned.get("legal_ground")
        if "legal_ground" not in self.errors and bool(secret) != bool(ground):
            self.add_error(
                "legal_ground",
                _("Write the legal ground of the secrecy, for example OSL 26 kap. 1 §.")
                if secret
                else _("Tick that the document is marked secret, or take the legal ground away."),
            )
        until = cleaned.get("kept_until")
        if "kept_until" not in self.errors and (cleaned.get("retention") == "until") != (until is not None):
            self.add_error("kept_until", str(MESSAGES["kept_until_a_day_has_its_day"]))
        dated = cleaned.get("dated_on")
        if until is not None and dated is not None and until < dated:
            self.add_error(
                "kept_until", _("The document is not kept until a day before its date. Correct one of them.")
            )
        return cleaned


class NewDocumentForm(DocumentFactsForm):
    """A new document with its file. The file comes last: what stands after one that is too large never arrives."""

    groups = [
        (gettext_lazy("The document"), DocumentFactsForm.ABOUT),
        DocumentFactsForm.ARCHIVE,
        (gettext_lazy("The file"), ["file", "again"]),
    ]

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
        # What is empty or too large is told by its contents.
        allow_empty_file=True,
    )
    again = forms.BooleanField(label=gettext_lazy("It is meant: add it once more"), required=False)

    def __init__(self, *args: Any, was_too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if was_too_large:
            # It was not read to its end, and is not there.
            self.fields["file"].error_messages["required"] = str(too_large())
        self.fields["title"].required = False
        self.fields["title"].help_text = _("Left empty, it is the name of the file.")
        self.fields["file"].help_text = _("At most %(limit)d MB. %(taken)s") % {
            "limit": settings.DOCUMENT_LIMIT // (1024 * 1024),
            "taken": TAKEN,
        }
        # Asked only once the same contents are found.
        self.ask_again = self.fields["again"]
        if not self.data.get("again"):
            del self.fields["again"]

    @property
    def facts(self) -> dict[str, Any]:
        """What `add_document` takes."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    def same_contents(self, sentence: str) -> None:
        """Asks whether it is meant that the same contents are added once more."""
        self.fields["again"] = self.ask_again
        self.add_error("again", sentence)


class ChangeDocumentForm(VersionedForm, DocumentFactsForm):
    """What is said of a document that stands. Its file stays: another file is another document."""

    groups = [
        (gettext_lazy("The document"), DocumentFactsForm.ABOUT),
        DocumentFactsForm.ARCHIVE,
        ("", ["reason"]),
    ]

    reason = LineField(label=gettext_lazy("Why"), max_length=500, required=False, help_text=REASON_HELP)

    def changes_since(self, instance: Any, version: int) -> Sequence[tuple[Text, object, str, datetime]]:
        return history.changes_since(instance, version)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        # What was empty and is filled in says itself; what stood, and the secrecy, are changed for a reason.
        stood = {name: getattr(self.instance, name) for name in self.Meta.fields}
        changed = any(
            name in cleaned and cleaned[name] != value and (value or name == "is_secret")
            for name, value in stood.items()
        )
        if changed and not cleaned.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("Say why what stood here is changed."))
        return cleaned


class RetentionForm(GroupedForm, forms.Form):
    """How long several documents are kept, said once for those that are ticked."""

    groups = [("", ["documents", "retention", "kept_until"])]

    documents = forms.ModelMultipleChoiceField(
        Document.objects.none(),
        label=gettext_lazy("Documents"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Tick the documents that you say it of.")},
    )
    retention = forms.ChoiceField(
        label=gettext_lazy("How long they are kept"),
        choices=[("", gettext_lazy("Choose how long")), *Retention.choices],
        error_messages={"required": gettext_lazy("Choose how long the documents are kept.")},
    )
    kept_until = DocumentFactsForm.base_fields["kept_until"]

    def __init__(self, *args: Any, documents: QuerySet[Document], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["documents"]
        field.queryset = documents
        self.initial["documents"] = [one.pk for one in documents]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        until = cleaned.get("kept_until")
        if "kept_until" in self.errors or "retention" in self.errors:
            return cleaned
        if (cleaned.get("retention") == Retention.UNTIL) != (until is not None):
            self.add_error("kept_until", str(MESSAGES["kept_until_a_day_has_its_day"]))
        elif until is not None and any(
            one.dated_on and until < one.dated_on for one in cleaned.get("documents") or ()
        ):
            self.add_error("kept_until", _("One of the documents is dated after this day. Give a later day."))
        return cleaned


class WithdrawDocumentForm(GroupedForm, forms.Form):
    reason = LineField(
        label=gettext_lazy("Why is the document withdrawn?"),
        max_length=500,
        help_text=gettext_lazy("For example “Belongs to another project”. Stands in the history."),
    )
