"""What a text of a project may hold: one rule by hand and from a file, so that each can correct the other."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from projects.models import Project
from values.personal_number import holds_personal_number
from values.text import nfc, squeeze

# Of texts on several lines, for which the database knows no limit.
LONGEST = 20_000

# Unicode's Cc and Cs, but for tab and line feed: a pattern, since an import asks of millions of characters.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class TextRefused(ValueError):
    """The message is a sentence that says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def longest(field: str) -> int:
    """How many characters a text field of a project may have."""
    limit: int | None = getattr(Project._meta.get_field(field), "max_length", None)
    return limit or LONGEST


def plain(text: str, *, lines: bool = False) -> str:
    """The text in composed form, on one line unless `lines`. Raises TextRefused."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROL.search(text):
        raise TextRefused(
            "control_character",
            _("The text holds an invisible control character. Delete what was pasted and type it."),
        )
    if holds_personal_number(text):
        raise TextRefused(
            "personal_number",
            _(
                "The text holds what looks like a personal identity number, which is not stored here. Remove it."
            ),
        )
    if lines:
        return "\n".join(line.rstrip() for line in nfc(text).split("\n")).strip()
    return squeeze(text)
