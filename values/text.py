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
# used: it gives projekt and projektet different stems and finds no compounds.
_NOUN_ENDINGS = (
    *("a", "an", "or", "orna"),  # skola
    *("e", "en", "ar", "arna"),  # medarbetare, nämnden, ungdomar
    *("n", "et", "er", "erna", "ena", "na"),  # strategin, projektet, kommuner, samarbetena
)
_WITH_GENITIVE = {ending + s for ending in (*_NOUN_ENDINGS, "") for s in ("", "s")} - {""}
_ENDINGS = sorted(_WITH_GENITIVE, key=lambda ending: (-len(ending), ending))
# Made from verbs: ansökningar beside ansökan, utbildning beside utbilda. A letter more must stay, or
# förening would find whatever is före.
_NING = sorted({f"ning{ending}" for ending in ("", "s", "en", "ens", "ar", "ars", "arna", "arnas")}, key=len)[
    ::-1
]
_LETTERS_THAT_STAY = 4
# Where a lone n is the article (strategin, miljön, kommittén, partnern) and not the word's own (region, kommun).
_BEFORE_N = tuple("eéiyåäörl")
# Adjectives in the neuter: digitalt, internationellt, hållbart, långsiktigt, europeiskt, kreativt, gemensamt.
_BEFORE_T = (
    *("al", "ell", "bar", "ig", "isk", "iv", "sam", "full", "lös"),
    *("jämlik", "olik", "ulär", "populär", "grön", "stark", "svag", "trygg"),
)
_HET = tuple(f"het{ending}" for ending in ("", "s", "en", "ens", "er", "ers", "erna", "ernas"))
# Qualities beside their adjectives: hållbarhet, arbetslöshet, jämlikhet, trygghet, tillgänglighet. Those that
# have become something of their own are left: möjlighet finds no "möjligt".
_BEFORE_HET = ("bar", "lös", "lik", "trygg", "ig")
_OWN_HET = re.compile(r".*(?:fastig|färdig|hastig|myndig|möjlig|rättig|skyldig|svårig|verklig|värdig)|.{,4}")
# Participles change both letters: jämställd, jämställt, jämställda, jämställdhet.
_STÄLLD = re.compile(r"(\w{2,}ställ)(?:d|da|das|de|t|dhet(?:s|en|ens)?)")
# What is done, beside doing it: utveckling and utveckla, digitaliserad and digitalisering, satsning and satsa.
_DOING = re.compile(r"(\w{4,}?)n?ing(?:s|en|ens|ar|ars|arna|arnas)?")
_DONE = re.compile(r"(\w{4,}?)(?:ad|ade|ades|at|ats|andes?)")
_NOT_DONE = frozenset({"handl"})  # a handling is a paper, and every summary "handlar om" something
_VERB = "(?:a|ar|as|ad|ade|ades|at|ats|andes?)"
# Who gives a part of the money and that it is given: medfinansiär and medfinansiering.
_PART_OF_THE_MONEY = re.compile(r"(\w{2,}finansi)(?:er(?!na)\w*|är(?:s|en|ens|er|ers|erna|ernas)?)")
# Abbreviations take their endings after a colon: EU:s, IT:n.
_AFTER_COLON = re.compile(r"(?<=[^\W\d_]):(?:s|n|ns|t|ts|en|ens|et|ets|er|ers|erna|ar|arna)$")
_LATIN = (("ium", 1), ("eum", 1), ("centrum", 5), ("spektrum", 6))  # stipendium: stipendiet, stipendier

_EDGE, _END = r"(?<!\w)", r"(?!\w)"
_ANY_ENDING = f"(?:{'|'.join(_ENDINGS)})"
_OF_A = "(?:as?|ans?|ors?|ornas?)"
_OF_E = r"e|es\w*"
_OF_CONSONANT = "(?:ens?|ets?|ers?|ernas?|ars?|arnas?|enas?|s)"
_CONSONANTS = "bcdfghjklmnpqrstvwxz"

# What merely has the same letters, for the field's own short words: elev is no part of "relevant", kommun
# none of "kommunikation". The pattern stands in place of the word.
_FALSE_FRIENDS = {
    "art": rf"{_EDGE}art(?!i|e[fs]|ro|ur)|(?:djur|fisk|fågel|insekts|natur|växt)art",
    "bad": rf"{_EDGE}bad(?!ge|m)|bad{_ANY_ENDING}?{_END}",
    "bil": rf"{_EDGE}bil(?!a[dgt]|d|j|l)|(?<!mo)(?<!sta)bil{_ANY_ENDING}?{_END}",
    "del": rf"{_EDGE}del|(?<!han)(?<!me)(?<!mo)(?<!för)del{_ANY_ENDING}?{_END}",
    "elev": r"elev(?!a[nt]|at|er[ai])",
    "fond": r"fond(?!ant)",
    "kommun": r"kommun(?!i[koc]|is)",
    "konst": r"konst(?!ant|at|el|ig|itu|ru)",
    "kost": r"(?<!fru)kost(?!n|ym|a|sam)",
    "kris": r"kris(?!ta|te|ti[^d])",
    "kurs": r"(?<!dis)(?<!kon)(?<!ex)kurs(?!iv)",
    "kust": r"(?<!a)kust",
    "kön": r"(?<!s)kön(?!r)",
    "lag": rf"{_EDGE}lag(?!er|om|un|a[dt]|ning)|(?<!bo)(?<!för)(?<!förs)(?<!an)(?<!ans)(?<!ins)(?<!uts)"
    rf"(?<!bes)(?<!avs)(?<!upps)(?<!oms)(?<!neds)(?<!tills)(?<!under)(?<!neder)(?<!{_EDGE}s)"
    rf"lag(?:ens?|ets?|ars?|arnas?|s)?{_END}",
    "lek": rf"{_EDGE}lek(?!t|m[aä]n|sikon)|(?<!stor)(?<!kär)lek(?:ens?|ars?|arnas?|s)?{_END}",
    "mark": r"(?<!den)mark(?!nad|edn|er[ai]|ise)",
    "mat": rf"{_EDGE}mat(?!a[dr]|ch|em|er|n[^ä]|r[ia]|t)"
    rf"|(?<!for)(?<!kli)(?<!plo)(?<!pri)(?<!ro)(?<!to)mat(?:ens?|s)?{_END}",
    "medel": r"(?<!o)(?<!för)medel(?!bar|hav|måtta|stor|stora|svår|tid|ålder|ålders|värd)",
    "medi": r"medi(?!c|t|okr)",
    "mål": rf"{_EDGE}mål(?!tid|ning|a|er)|mål(?:ens?|ets?|s)?{_END}",
    "natur": r"(?<!sig)natur(?!alis)",
    "nämnd": rf"nämnd(?!a{_END})",
    "ort": rf"{_EDGE}ort(?!od|op)|(?:bad|bruks|central|hem|huvud|in|kur|kust|lands|mål|områdes?|stations|små|studie"
    r"|tät|turist|utbildnings|vän|verksamhets|arbets)ort",
    "program": r"program(?!mera|mering)",
    "ras": rf"{_EDGE}ras(?:ens?|ers?|ernas?|ets?|s)?{_END}|{_EDGE}ras(?:risk|skydd)|(?:djur|hund)ras",
    "region": r"region(?!s[cg])",
    "rum": rf"{_EDGE}rum(?!ba|p|än)|(?<!cent)(?<!fo)(?<!se)(?<!spekt)rum(?:m?(?:et|en)s?|s)?{_END}",
    "råd": rf"{_EDGE}råd|(?<!b)(?<!t)(?<!om)råd(?:et|en|ens|ets|s)?{_END}",
    "rätt": r"(?<!be)(?<!för)(?<!in)(?<!upp)rätt(?!a)",
    "sol": rf"{_EDGE}sol(?!da|id|ist|o|v)|(?<!kon)(?<!ero)sol(?:ens?|ars?|arnas?|s)?{_END}",
    "stat": rf"{_EDGE}stat(?:en|er|erna|lig|liga|ligt)?s?{_END}|{_EDGE}stats|stat(?:en|er|erna)s?{_END}",
    "tal": rf"{_EDGE}tal(?!a|e[nr]t|g|j|k|l|o)"
    rf"|(?:del|hundra|jubel|mät|nyckel|procent|tio|tusen|års?)tal(?:et|en)?s?{_END}",
    "tid": rf"{_EDGE}tid(?!ning|skrift)|tid(?:ens?|ers?|ernas?|s)?{_END}",
    "val": rf"{_EDGE}val(?!id|l[^o]|p|ut|v|ör)|(?:folk|kyrko|om|riksdags|skol)val(?:et|en)?s?{_END}",
    "vård": r"vård(?!nad|slös)",
    "väg": rf"{_EDGE}väg(?!g|led|ra)|väg(?:ens?|ars?|arnas?|s)?{_END}",
}


def _beginning_of(words: list[str]) -> str:
    """What all forms begin with, which is sought before any pattern."""
    first, last = min(words), max(words)
    same = next(
        (at for at, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), len(first)
    )
    return first[:same]


# Words of which no ending tells all forms: they change their vowel, lose a letter, or are too short to be cut.
# The forms that ask, and what all of them look for.
_CHANGING = {
    word: (_beginning_of(words.split()), pattern)
    for words, pattern in (
        (
            "land lands landet landets länder länders länderna ländernas",
            rf"(?:{_EDGE}|deltagar|grann|hem|kandidat|medlems|partner|program|tredje|värd|eu-)(?:land(?:et)?s?{_END}|länder)",
        ),
        (
            "stad stads staden stadens städer städers städerna städernas",
            rf"(?<!bo)stad(?:en)?s?{_END}|{_EDGE}stads|(?<!bo)städer",
        ),
        ("bok boken bokens böcker böckers böckerna böckernas", rf"bok(?:en)?s?{_END}|{_EDGE}bok|böcker"),
        (
            "huvudman huvudmannen huvudmannens huvudmän huvudmännen huvudmännens",
            r"huvudm[aä]n",
        ),
        ("arena arenan arenans arenas arenor arenorna arenornas", rf"aren{_OF_A}{_END}|{_EDGE}arena"),
        ("man mannen mannens män mäns männen männens", rf"{_EDGE}m(?:an|annen|än|ännen)s?{_END}"),
        ("hand handen handens händer händerna händernas", rf"{_EDGE}(?:hand(?:en)?|händer(?:na)?)s?{_END}"),
        ("natt natten nattens nätter nätterna nätternas", rf"{_EDGE}natt|natt(?:en)?s?{_END}|nätter"),
        (
            "strand stranden strandens stränder stränderna strändernas",
            rf"{_EDGE}strand|strand(?:en)?s?{_END}|stränder",
        ),
        ("bonde bonden bondens bönder bönderna böndernas", rf"{_EDGE}bond(?:e|g)|bonden?s?{_END}|bönder"),
        (
            "brand branden brandens bränder bränderna brändernas",
            rf"{_EDGE}brand|brand(?:en)?s?{_END}|bränder",
        ),
        ("rot roten rotens rötter rötterna rötternas", rf"{_EDGE}rot(?:en)?s?{_END}|rötter"),
        ("tand tanden tandens tänder tänderna", rf"{_EDGE}tand(?!em)|{_EDGE}tänder"),
        ("bokstav bokstaven bokstäver bokstäverna", r"bokst[aä]v"),
        ("dotter dottern dotterns döttrar döttrarna", r"dotter|döttrar"),
        ("bror brodern brors bröder bröderna", rf"{_EDGE}bro(?:r|der(?:n|ns|s)?)s?{_END}|bröder"),
        (
            "säker säkert säkra säkras säkrare säkerhet säkerhets säkerheten säkerhetens",
            r"(?<!för)säk(?:er(?!ställ)|ra)",
        ),
        ("öppen öppet öppna öppnas öppenhet öppenheten öppenhetens", r"öpp(?:en|et|na)"),
        ("vuxen vuxet vuxna vuxnas", r"(?<!upp)vux(?:en|et|na)"),
        ("grön gröns grönt gröna grönas", r"grön(?!köp|land)"),
        ("äldre äldres", r"(?<!för)äldre"),
        ("ung unga ungas ungt", rf"{_EDGE}ung(?!e|r)"),
        (
            "år året åren årets årens års",
            (
                rf"{_EDGE}år(?:et|en)?s?{_END}|{_EDGE}års|(?:barndoms|bas|budget|halv|inkomst|jubileums|kalender|läs"
                r"|levnads|program|projekt|räkenskaps|skol|start|tema|ungdoms|verksamhets)år"
            ),
        ),
        (
            "el elen elens",
            (
                rf"{_EDGE}el(?:en)?s?{_END}|{_EDGE}el(?:-|bil|buss|båt|cyk|effekt|ektri|energi|fordon|försörj|infra|kraft"
                rf"|ladd|led|nät|pris|verk)|(?:grön|sol|vatten|vind)el(?:en)?s?{_END}"
            ),
        ),
        (
            "by byn byns byar byarna byarnas",
            rf"(?:{_EDGE}|barn|berg|eko|fiske|stug)bys?{_END}|by(?:n|ar|arna)s?{_END}|{_EDGE}by(?:a|gd|n|s)",
        ),
        ("sjö sjön sjöns sjöar sjöarna sjöarnas", rf"{_EDGE}sjö|sjö(?:n|ar|arna)?s?{_END}"),
        ("ö ön öns öar öarna öarnas", rf"{_EDGE}ö(?:n|ar|arna)?s?{_END}|{_EDGE}ö-|(?:halv|skärgårds)ö"),
        ("kö köer köerna köernas", rf"{_EDGE}kö(?:er(?:na)?)?s?{_END}|köer"),
        ("is isen isens", rf"{_EDGE}is(?:en)?s?{_END}|{_EDGE}is(?:bana|hall|hockey|rink)"),
    )
    for word in words.split()
}
# The same where they are the last of a compound: vänstad and vänstäder, tjänsteman and tjänstemän.
_CHANGING_LAST = {
    form: (begins, pattern)
    for forms, begins, pattern in (
        (
            "ledamot ledamots ledamoten ledamotens ledamöter ledamöters ledamöterna ledamöternas",
            "ledam",
            "[oö]t",
        ),
        ("stad stads staden stadens städer städers städerna städernas", "st", "(?:ad|äder)"),
        ("land lands landet landets länder länders länderna ländernas", "l", "(?:and|änder)"),
        ("man mans mannen mannens män mäns männen männens", "m", "[aä]n"),
        (
            "strand strands stranden strandens stränder stränders stränderna strändernas",
            "str",
            "(?:and|änder)",
        ),
        ("hand hands handen handens händer händers händerna händernas", "h", "(?:and|änder)"),
        ("brand brands branden brandens bränder bränders bränderna brändernas", "br", "(?:and|änder)"),
        ("bonde bondes bonden bondens bönder bönders bönderna böndernas", "b", "(?:onde|önder)"),
        ("bok boks boken bokens böcker böckers böckerna böckernas", "b", "(?:ok|öcker)"),
        ("natt natts natten nattens nätter nätters nätterna nätternas", "n", "(?:att|ätter)"),
        ("säker säkert säkra säkras säkerhet säkerhets säkerheten säkerhetens", "säk", "(?:er(?!ställ)|ra)"),
    )
    for form in forms.split()
}
# Nouns of three letters that open compounds: huset finds husbil as hus does. Of others that would find too much:
# läget is no part of "lägenhet".
_OPENING = frozenset({"arv", "båt", "hav", "hus", "jul", "tåg"})

_QUOTED = re.compile(r'"([^"]*)"|[”“„]([^”“„]*)[”“]|»([^»«]*)[«»]|«([^»«]*)»')
_AROUND_WORDS = ".,;:!?…()[]{}<>'’‘\"”“„»«"


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which a word may stand in a text: `part` anywhere in it and, where it is not empty, `pattern`.

    The pattern is a regular expression that Python and PostgreSQL read alike. `part` is empty where the
    pattern has no letters that always stand together.
    """

    part: str
    pattern: str = ""

    def stands_in(self, text: str) -> bool:
        return self.part in text and (not self.pattern or re.search(self.pattern, text) is not None)


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a search: as it was written, and the ways in which it may stand in a lower-case NFC text.

    `exact` says that it is sought as it is: a code, or what stood in quotation marks.
    """

    written: str
    ways: tuple[Way, ...]
    exact: bool = False

    def stands_in(self, text: str) -> bool:
        return any(way.stands_in(text) for way in self.ways)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _without_ending(word: str) -> tuple[str, str]:
    """The word without its longest ending, and the ending; "" where at least three letters would not stay."""
    for ending in _NING:
        rest = word.removesuffix(ending)
        if rest != word and _letters(rest) > _LETTERS_THAT_STAY:
            return rest, ending
    for ending in _ENDINGS:
        rest = word.removesuffix(ending)
        if rest != word and _letters(rest) >= _LETTERS_THAT_STAY - 1 and _may_be_cut(rest, ending):
            # föräldern, as förälder
            more = rest.removesuffix("er") if ending in ("n", "ns") else rest
            return (more if _letters(more) >= _LETTERS_THAT_STAY else rest), ending
    # The neuter of adjectives.
    rest = word.removesuffix("t")
    is_neuter = rest.endswith(_BEFORE_T) and _letters(rest) >= _LETTERS_THAT_STAY
    return (rest, "t") if rest != word and is_neuter else (word, "")


def _may_be_cut(rest: str, ending: str) -> bool:
    short = _letters(rest) < _LETTERS_THAT_STAY
    if ending in ("n", "ns"):
        return rest.endswith("é" if short else _BEFORE_N)
    if ending in ("a", "as"):
        return not rest.endswith(("i", "e"))  # media is no form of medi
    return not (short and ending == "s")


def _stem(word: str) -> tuple[str, str]:
    """What is looked for of a word of four letters or more, and the ending that was taken from it."""
    for ending in _HET:
        adjective = word.removesuffix(ending)
        if adjective != word and adjective.endswith(_BEFORE_HET) and not _OWN_HET.fullmatch(adjective):
            return adjective, ending
    rest, ending = _without_ending(word)
    for latin, cut in _LATIN:
        if rest.endswith(latin) and _letters(rest) > _LETTERS_THAT_STAY + 1:
            return rest[: len(rest) - len(latin) + cut], "um"
    # programmet, medlemmar: m and n are doubled between vowels.
    if rest.endswith(("mm", "nn")):
        return rest[:-1], ending
    return rest, ending


def _ways(word: str) -> tuple[Way, ...]:
    if word in _CHANGING:
        return (Way(*_CHANGING[word]),)
    if last := _changing_last(word):
        return (last,)
    if participle := _STÄLLD.fullmatch(word):
        return (Way(participle[1], f"{re.escape(participle[1])}[dt]"),)
    return tuple(dict.fromkeys((*_by_stem(word), *_as_verb_and_noun(word))))


def _changing_last(word: str) -> Way | None:
    """A compound whose last part changes its vowel; at least two letters before it are the compound's own."""
    for at in range(0 if word.startswith("ledam") else 2, len(word)):
        if found := _CHANGING_LAST.get(word[at:]):
            begins, pattern = found
            part = word[:at] + begins
            return Way(part, re.escape(part) + pattern)
    return None


def _as_verb_and_noun(word: str) -> list[Way]:
    """The verb beside the noun that is made of it, and the noun beside its verb."""
    ways: list[Way] = []
    if (doing := _DOING.fullmatch(word)) and doing[1] not in _NOT_DONE:
        ways.append(Way(doing[1], f"{re.escape(doing[1])}{_VERB}{_END}"))
    elif done := _DONE.fullmatch(word):
        ways.append(Way(done[1], f"{re.escape(done[1])}(?:{_VERB}{_END}|n?ing)"))
    if money := _PART_OF_THE_MONEY.fullmatch(word):
        ways.append(Way(money[1], f"{re.escape(money[1])}(?:är|er(?:ing|{_VERB}{_END}))"))
    return ways


def _by_stem(word: str) -> tuple[Way, ...]:
    if _letters(word) < _LETTERS_THAT_STAY:
        # EU is at the beginning or the end of a word, and not within "museum".
        sign = re.escape(word)
        return (Way(word, _FALSE_FRIENDS.get(word) or f"{_EDGE}{sign}|{sign}{_OF_CONSONANT}?{_END}"),)
    stem, ending = _stem(word)
    if _letters(stem) < _LETTERS_THAT_STAY:
        return _short(word, stem, ending)
    last = stem[-2:]
    if ending and last[1] == "l" and last[0] in _CONSONANTS and last not in ("ll", "rl"):
        # medlen beside medel, but not every word that goes on from there: medlem, reglera.
        full = f"{stem[:-1]}el"
        ways = [
            Way(stem, f"{re.escape(stem)}{_ANY_ENDING}{_END}"),
            Way(full, _FALSE_FRIENDS.get(full, "")),
        ]
        if ending in ("a", "as", "ar"):
            ways.append(Way(stem, f"{re.escape(stem)}(?:ing|{_VERB}{_END})"))  # utveckla beside utveckling
        return tuple(ways)
    ways = [Way(stem, _FALSE_FRIENDS.get(stem, ""))]
    # centret beside center, vattnet beside vatten
    if ending and (
        last in ("tn", "kn", "pn") or (last[1] == "r" and last[0] in _CONSONANTS and last != "rr")
    ):
        ways.append(Way(f"{stem[:-1]}e{stem[-1]}"))
    if last == "el" and stem[-3] in _CONSONANTS and _letters(stem) > _LETTERS_THAT_STAY:
        bare = f"{stem[:-2]}l"
        ways.append(Way(bare, f"{re.escape(bare)}{_ANY_ENDING}{_END}"))
    return tuple(ways)


def _short(word: str, stem: str, ending: str) -> tuple[Way, ...]:
    """Where three letters stay (målet, resor, hemmet): a word, or the last of a compound, since three letters
    stand within too much."""
    if stem in _FALSE_FRIENDS:
        return (Way(stem, _FALSE_FRIENDS[stem]),)
    plain = ending.removesuffix("s")
    written = Way(word.removesuffix("s") if plain != ending else word)
    doubled = f"{stem}{stem[-1]}?" if stem[-1] in "mn" else stem
    if plain in ("a", "an", "or", "orna"):
        return written, Way(stem, f"{doubled}{_OF_A}{_END}")  # skola without its a is no word
    ways = [written, Way(stem, f"{doubled}(?:{_OF_E}|ns?|{_OF_CONSONANT})?{_END}")]  # målet without its et is
    if plain == "arna":
        ways.append(Way(f"{stem}ar"))  # lärarna beside vägarna
    if stem in _OPENING:
        ways.append(Way(stem, f"{_EDGE}{stem}"))
    return tuple(ways)


def search_terms(query: str) -> list[Term]:
    """The words to look for, all of which must stand in what is found.

    Lower case and NFC like the text they are sought in. A word loses one Swedish noun or genitive ending if
    at least four letters stay, so that projekt, projektet and projektens find each other, alone and in
    compounds. What holds a digit (P-2026-14, 2020-T2) and what stands in quotation marks is left as it is.
    Signs standing alone ("stöd & bidrag") are no words. Each word once, in the order written.
    """
    terms: dict[tuple[Way, ...], Term] = {}
    for word, exact in _written(query):
        ways = (Way(word),) if exact else _ways(word)
        terms.setdefault(ways, Term(word, ways, exact))
    return list(terms.values())


def _written(query: str) -> list[tuple[str, bool]]:
    """Each word as written, and whether it is sought as it is: with a digit, or in quotation marks."""
    # Control characters part words; a NUL would stop the database.
    cleared = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in query)
    lowered = nfc(squeeze(cleared).lower())
    words: list[tuple[str, bool]] = []
    at = 0
    for quoted in _QUOTED.finditer(lowered):
        words += _loose_words(lowered[at : quoted.start()])
        words.append((squeeze("".join(part or "" for part in quoted.groups())), True))
        at = quoted.end()
    words += _loose_words(lowered[at:])
    return [(word, exact) for word, exact in words if word]


def _loose_words(text: str) -> list[tuple[str, bool]]:
    words = (_AFTER_COLON.sub("", word.strip(_AROUND_WORDS)) for word in text.split())
    return [(word, any(map(str.isdigit, word))) for word in words if any(map(str.isalnum, word))]


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
