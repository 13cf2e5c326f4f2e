"""Swedish organisation numbers (Lag 1974:174 om identitetsbeteckning för juridiska personer)."""

import re

from values.errors import Refused, shown


class NotAnOrganisationNumber(Refused):
    """The text is not an organisation number, or may be a person's."""

    codes = (
        "organisation_number_is_missing",
        "organisation_number_has_ten_digits",
        "organisation_number_looks_like_a_personal_one",
        "organisation_number_has_wrong_check_digit",
    )


# "16" stands before the number where authorities write twelve digits, 19 and 20 before a person's.
_NUMBER = re.compile(r"(?P<century>16|18|19|20)?(?P<six>[0-9]{6})[-+ \u2010\u2011–]?(?P<four>[0-9]{4})")


def parse_organisation_number(text: str) -> str:
    """ "212000-0530", "2120000530" and "16212000-0530" as "212000-0530".

    The tenth digit is checked (Luhn), so no single wrong digit passes. A number whose third digit is
    0 or 1 has a month there: it is a person's identity number and must not enter the register; such a
    number is not repeated in the error.
    """
    plain = text.strip()
    if not plain:
        raise NotAnOrganisationNumber("organisation_number_is_missing")
    found = _NUMBER.fullmatch(plain)
    if found is None:
        raise NotAnOrganisationNumber("organisation_number_has_ten_digits", text=shown(plain))
    six, four = found["six"], found["four"]
    if found["century"] not in (None, "16") or "+" in plain or six[2] in "01":
        raise NotAnOrganisationNumber("organisation_number_looks_like_a_personal_one")
    number = f"{six}-{four}"
    if _luhn_sum(six + four) % 10:
        raise NotAnOrganisationNumber("organisation_number_has_wrong_check_digit", text=number)
    return number


def _luhn_sum(digits: str) -> int:
    """Every second digit from the left doubled, the digits of the products added up."""
    return sum(sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(digits))
