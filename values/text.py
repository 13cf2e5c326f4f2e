"""Text and numbers as they are written in Swedish, and the words of a search."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from values.errors import Refused, shown
from values.rounding import round_half_up

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

# Take no room on paper but make two equal titles differ: zero width space, word joiner, BOM, soft hyphen.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))


def nfc(text: str) -> str:
    """Composed form, so that å from a Mac and å from Windows are the same letter."""
    return unicodedata.normalize("NFC", text)


def squeeze(text: str) -> str:
    """NFC, every run of any kind of white space as one space, nothing invisible, no space at the ends."""
    return " ".join(nfc(text.translate(_INVISIBLE)).split())


def fold(text: str) -> str:
    """The key by which titles and headings are compared; never shown."""
    # Decomposed before folding: Unicode's canonical caseless match (chapter 3.13, D145).
    return squeeze(unicodedata.normalize("NFD", squeeze(text)).casefold())


def escape_like(text: str) -> str:
    r"""The text as itself in LIKE and ILIKE, whose escape sign is \ unless another is named."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


# --- numbers ---------------------------------------------------------------------------------------------


class NotANumber(Refused):
    """The text is not one number, or may be two different ones."""

    codes = (
        "number_is_missing",
        "not_a_number",
        "decimal_mark_is_ambiguous",
        "number_has_too_many_digits",
    )


# More digits than any sum of money or share has; beyond it, somebody pasted two numbers or an account.
MOST_DIGITS = 28

# One of these, and one only, may stand between groups of three digits.
_GROUP_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f", " "))

_NUMBER = re.compile(
    r"(?P<opened>\()?(?P<sign>[-−–+])? ?"
    r"(?P<whole>[0-9]+|[1-9][0-9]{0,2}(?: [0-9]{3})+)"
    r"(?:(?P<mark>[.,])(?P<decimals>[0-9]+))?"
    r"(?P<minus_after>[-−–])?(?P<closed>\))?"
)


def plain_spaces(text: str) -> str:
    """No-break, thin and figure spaces as ordinary ones, none at the ends; anything else is left."""
    return text.translate(_GROUP_SPACES).strip()


def parse_decimal(text: str) -> Decimal:
    """A number as Swedes and their systems write it.

    The comma is always the decimal mark: "1,234" is a little more than one. A point is taken as
    decimal mark only before one or two decimals ("1.5", "1 234.50"), since "1.234" may as well be
    a thousand; with both marks, or one of them twice, the number is refused. Digits are grouped by
    one space in threes or not at all. Negative: a sign before ("-1", "−1", "– 1"), a minus after
    ("1 234,56-") or brackets ("(12)"), one of them. Only 0–9 are digits.
    """
    found = _NUMBER.fullmatch(plain := plain_spaces(text))
    if not plain:
        raise NotANumber("number_is_missing")
    if found is None:
        marked = re.fullmatch(r"[-−–+(]? ?[0-9][0-9 ]*[.,][0-9 .,]*[.,][0-9]+[-−–]?\)?", plain)
        raise NotANumber("decimal_mark_is_ambiguous" if marked else "not_a_number", text=shown(plain))
    opened, closed = found["opened"] is not None, found["closed"] is not None
    signs = [opened, found["sign"] is not None, found["minus_after"] is not None]
    if opened != closed or sum(signs) > 1:
        raise NotANumber("not_a_number", text=shown(plain))
    whole, decimals = found["whole"].replace(" ", ""), found["decimals"] or ""
    if found["mark"] == "." and len(decimals) > 2:
        raise NotANumber("decimal_mark_is_ambiguous", text=shown(plain))
    if len(whole) + len(decimals) > MOST_DIGITS:
        raise NotANumber("number_has_too_many_digits", text=shown(plain), most=MOST_DIGITS)
    number = Decimal(f"{whole}.{decimals}" if decimals else whole)
    negative = any(signs) and found["sign"] != "+"
    return number.copy_negate() if negative and number else number


def format_decimal(number: Decimal, places: int | None = None) -> str:
    """ "1 234,56" with no-break spaces and a true minus; `places` rounds half up, None keeps all decimals."""
    if not isinstance(number, Decimal):
        raise TypeError(f"Only a Decimal is written as a number, not {type(number).__name__}.")
    if not number.is_finite():
        raise ValueError("Only a finite number is written.")
    if places is not None:
        number = round_half_up(number, places)
    whole, _, decimals = f"{number.copy_abs():f}".partition(".")
    grouped = f"{int(whole):,}".replace(",", NO_BREAK_SPACE)
    return (MINUS if number < 0 else "") + grouped + ("," + decimals if decimals else "")


# --- search ----------------------------------------------------------------------------------------------

# The Swedish noun's definite and plural endings, each also in the genitive. PostgreSQL's stemmer is not
# used: it gives projekt and projektet different stems and finds no compounds. Cutting too much is
# harmless (what is left is still the beginning of the word); exact hits are listed first by the caller.
_NOUN_ENDINGS = (
    *("a", "an", "or", "orna"),  # skola
    *("e", "en", "ar", "arna"),  # medarbetare, nämnden, ungdomar
    *("n", "et", "er", "erna", "ena", "na"),  # strategin, projektet, kommuner, samarbetena
    *("ning", "ningen", "ningar", "ningarna"),  # ansökningar beside ansökan, utbildning beside utbilda
)
_ENDINGS = sorted({ending + s for ending in (*_NOUN_ENDINGS, "") for s in ("", "s")} - {""}, key=len)[::-1]
_LETTERS_THAT_STAY = 4
# Where a lone n is the article (strategin, miljön, partnern) and not the word's own (region, kommun).
_BEFORE_N = tuple("eiyåäörl")

_QUOTED = re.compile(r'"([^"]*)"|[”“„]([^”“„]*)[”“]|»([^»«]*)[«»]|«([^»«]*)»')
_AROUND_WORDS = ".,;:!?…()[]{}<>'’‘\"”“„»«"


def _without_ending(word: str) -> str:
    for ending in _ENDINGS:
        rest = word.removesuffix(ending)
        if ending in ("n", "ns") and not rest.endswith(_BEFORE_N):
            continue
        if rest != word and sum(map(str.isalpha, rest)) >= _LETTERS_THAT_STAY:
            return rest
    return word


def search_words(query: str) -> list[str]:
    """The words to look for, each anywhere in the text (ILIKE '%word%', after `escape_like`).

    Lower case and NFC like the column they are sought in. A word loses one Swedish noun or genitive
    ending if at least four letters stay, so that projekt, projektet and projektens find each other.
    What holds a digit (P-2026-14, 2020-T2) and what stands in quotation marks is left as it is. Signs
    standing alone ("stöd & bidrag") are no words. Each word once, in the order written.
    """
    # Control characters part words; a NUL would stop the database.
    cleared = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in query)
    lowered = nfc(squeeze(cleared).lower())
    words: list[str] = []
    at = 0
    for quoted in _QUOTED.finditer(lowered):
        words += _loose_words(lowered[at : quoted.start()])
        words.append(squeeze("".join(part or "" for part in quoted.groups())))
        at = quoted.end()
    words += _loose_words(lowered[at:])
    return [word for word in dict.fromkeys(words) if word]


def _loose_words(text: str) -> list[str]:
    words = (word.strip(_AROUND_WORDS) for word in text.split())
    return [
        word if any(map(str.isdigit, word)) else _without_ending(word)
        for word in words
        if any(map(str.isalnum, word))
    ]


# --- counts ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Count:
    """So many of a kind: parties of a project that the source counts but does not name."""

    number: int
    kind: str
    place: str = ""


_BETWEEN_COUNTS = re.compile(r"(?:, (?:och|samt|and) |, |; | (?:och|samt|and|&) )(?=[0-9])")
_COUNT = re.compile(
    r"(?P<number>[1-9][0-9]{0,3}) (?:st )?(?P<kind>[^0-9]+?)(?: (?:i|in|från|from) (?P<place>[^0-9]+))?"
)
_AND = ("och", "samt", "and")


def parse_counts(text: str) -> list[Count]:
    """ "11 universitet och 9 offentliga organisationer i Europa" as two counts; [] if it is anything else.

    A place stands for the counts before it that have none of their own, as in speech: both above are
    in Europe. All or nothing: with a name among the counts ("11 universitet, Nässjö kommun") the
    answer is [], so that nobody is left out in silence. A kind is written with small letters, except
    an abbreviation at its beginning ("4 EU-länder"): what has a capital is a name ("24 Timmar AB").
    """
    counts: list[Count] = []
    place = ""
    for part in reversed(_BETWEEN_COUNTS.split(squeeze(text).removesuffix("."))):
        found = _COUNT.fullmatch(part)
        if found is None or not _is_kind(found["kind"]) or not _is_place(found["place"]):
            return []
        place = found["place"] or place
        counts.append(Count(int(found["number"]), found["kind"], place))
    return counts[::-1]


def _is_kind(text: str) -> bool:
    words = text.split(" ")
    for before, word in zip(["", *words], words, strict=False):
        if not word.replace("-", "").isalpha():
            return False
        if not word[0].islower() and not re.match(r"[A-ZÅÄÖ]{2,}-\w", word):
            return False
        if word in _AND and not before.endswith("-"):  # "forsknings- och innovationsaktörer" is one kind
            return False
    return True


def _is_place(text: str | None) -> bool:
    """One place; with a comma or "and" it could as well be a place and somebody's name."""
    return text is None or not ("," in text or ";" in text or set(_AND) & set(text.split(" ")))
