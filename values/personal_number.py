"""Personal identity numbers, which are not kept here: what looks like one in a text."""

from __future__ import annotations

import re

_BORN = "[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01])"
# A date of birth (of a coordination number 60 days on) and four digits. An organisation number has no month
# where this has one. Read alike by Python and by PostgreSQL, whose constraints ask the same.
PATTERN = f"(?<![0-9])(?:(?:18|19|20)?{_BORN}[-+]|(?:18|19|20){_BORN} ?)[0-9]{{4}}(?![0-9])"
_PERSONAL_NUMBER = re.compile(PATTERN)


def holds_personal_number(text: str) -> bool:
    """Whether something in the text looks like one, whatever its check digit says."""
    return _PERSONAL_NUMBER.search(text) is not None
