"""Personal identity numbers, which are not kept here: what looks like one in a text."""

from __future__ import annotations

import re

# A date of birth (of a coordination number 60 days on) and four digits. An organisation number has no month
# where this has one.
_PERSONAL_NUMBER = re.compile(
    r"(?<!\d)(?:(?:18|19|20)?\d\d(?:0[1-9]|1[0-2])(?:[06][1-9]|[1278]\d|[39][01])[-+]|"
    r"(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:[06][1-9]|[1278]\d|[39][01]) ?)\d{4}(?!\d)",
    re.ASCII,
)


def holds_personal_number(text: str) -> bool:
    """Whether something in the text looks like one, whatever its check digit says."""
    return _PERSONAL_NUMBER.search(text) is not None
