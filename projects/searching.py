"""The search in the register: over a project's own texts and numbers, its parties, its funder and programme.

All words of the query must be found, each in any of its forms and inside compounds (values.text). What has the
words as they were written stands first. Only where nothing at all is found, titles, acronyms and funders with
words spelt alike are offered; the page says that they are guesses.

Under row-level security no trigram index is used, so everything here reads the municipality's rows: the search
text with LIKE before any regular expression, and what is compared letter by letter only once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import TrigramWordBase
from django.core.exceptions import ValidationError
from django.db.models import (
    BigIntegerField,
    Case,
    Expression,
    F,
    FloatField,
    Func,
    IntegerField,
    Model,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Greatest, Left, Length, Lower
from django.utils.translation import ngettext

from projects.models import Funder, Programme, Project, ProjectParty
from values.text import Term, fold, search_terms

# Each word is sought in four tables: nobody means more, but a pasted page would make the database work for long.
MOST_WORDS = 20
# How alike a word of a title must be to be offered, as pg_trgm measures it from 0 to 1. Measured on pairs of
# misspelt and meant words: 0.4 finds two letters that changed places, below it unrelated words come along.
ALIKE = 0.4
# Two letters that changed places leave few of a short word's groups of three ("sokla"): tried one by one instead.
SWAPPED = 0.7
# So many guesses are offered at most.
MOST_GUESSES = 50
# Of shorter words and of codes any neighbour would do.
_LETTERS_TO_GUESS_BY = 4


def not_too_many_words(query: str) -> None:
    """A validator of the search field."""
    if len(search_terms(query)) > MOST_WORDS:
        raise ValidationError(
            ngettext("Search for at most %(most)d word.", "Search for at most %(most)d words.", MOST_WORDS)
            % {"most": MOST_WORDS},
            code="too_many_words",
        )


def matching(projects: QuerySet[Project], query: str) -> QuerySet[Project]:
    """The projects in which all words of the query stand."""
    for term in search_terms(query):
        projects = projects.filter(_has(term))
    return projects


def found_keys(projects: QuerySet[Project], query: str) -> list[int]:
    """Keys of ordered projects that have been found, those with the words as written first. One query.

    The search text begins with the title and the acronym, in lower case (projects.models).

    0 for a number or a title that has the words as words, then titles with them as written, titles with other
    forms, other texts as written, and the rest; within each as the projects were ordered.
    """
    terms = search_terms(query)
    if not terms:
        return list(projects.values_list("pk", flat=True))
    order = projects.query.order_by
    number = terms[0].written if len(terms) == 1 else ""
    ranked = projects.annotate(title_low=Left("search_text", Length("title"))).annotate(
        place=Case(
            When(_is_number(number), then=0),
            When(_all(_as_a_word("title_low", term.written) for term in terms), then=0),
            When(_all(Q(title_low__contains=term.written) for term in terms), then=1),
            When(_all(_stands_in("title_low", term) for term in terms), then=2),
            When(_all(Q(search_text__contains=term.written) for term in terms), then=3),
            default=4,
            output_field=IntegerField(),
        )
    )
    return list(ranked.order_by("place", *order).values_list("pk", flat=True))


def with_keys(projects: QuerySet[Project], keys: Sequence[int]) -> QuerySet[Project]:
    """Those with one of the keys, in the order of the keys: thousands of keys are one value to the database."""
    every = Value(list(keys), ArrayField(BigIntegerField()))
    return projects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(keys)])).order_by(
        Func(every, F("pk"), function="array_position", output_field=IntegerField()), "pk"
    )


def spelt_alike(projects: QuerySet[Project], query: str) -> list[int]:
    """Keys of those whose title, acronym or funder has words like these, the likeliest first. One query.

    A word that stands there as it is needs no guess; a code, a quoted phrase and a short word are not guessed.
    """
    terms = search_terms(query)
    guessed = [term for term in terms if _may_be_guessed(term)]
    if not guessed or len(terms) > MOST_WORDS:
        return []
    texts = projects.order_by().annotate(
        title_low=Left("search_text", Length("title") + 1 + Length("acronym"))
    )
    alike: list[Expression] = []
    for number, term in enumerate(guessed):
        by_title = f"like_title_{number}"
        swapped = _swapped(term.written)
        texts = texts.annotate(
            **{
                by_title: Case(
                    When(title_low__regex=swapped, then=SWAPPED), default=_Alike(term.written, "title_low")
                )
            }
        )
        funders = (
            Funder.objects.annotate(low=_lower("name"))
            .annotate(alike=_Alike(term.written, "low"))
            .filter(Q(alike__gte=ALIKE) | Q(low__regex=swapped))
            .values("pk")
        )
        texts = texts.filter(
            _stands_in("search_text", term) | Q(**{f"{by_title}__gte": ALIKE}) | Q(funder__in=funders)
        )
        # A funder spelt alike counts as little as the least alike title.
        alike.append(Greatest(F(by_title), Value(ALIKE), output_field=FloatField()))
    for term in terms:
        if term not in guessed:
            texts = texts.filter(_has(term))
    ranked = texts.annotate(alike=reduce(add, alike[1:], alike[0])).order_by("-alike", "-registered_at", "pk")
    return list(ranked.values_list("pk", flat=True)[:MOST_GUESSES])


# A pattern that no text has.
_NEVER = "x(?!x)xx"


def _swapped(word: str) -> str:
    """A regular expression of the word with two neighbouring letters in each other's place, in any form."""
    tries = [
        word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        for at in range(len(word) - 1)
        if word[at] != word[at + 1]
    ]
    parts = [search_terms(one)[0].ways[0].part or one for one in tries if search_terms(one)]
    return "|".join(map(re.escape, dict.fromkeys(parts))) or _NEVER


class _Joined(Func):
    """Columns that are never NULL as one lower-case text: Concat asks of each whether it is, for every row."""

    template = "lower(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = TextField()


class _Alike(TrigramWordBase):
    """How much the word is like the likest run of words of a text: 1 where it stands there."""

    function = "WORD_SIMILARITY"

    def __init__(self, word: str, column: str) -> None:
        super().__init__(word, column)


def _lower(column: str) -> Lower:
    return Lower(column, output_field=TextField())


def _all(conditions: Any) -> Q:
    return reduce(Q.__and__, conditions, Q())


def _stands_in(column: str, term: Term) -> Q:
    """As `Term.stands_in`, for a lower-case column."""
    found = Q()
    for way in term.ways:
        here = Q(**{f"{column}__contains": way.part}) if way.part else Q()
        found |= here & Q(**{f"{column}__regex": way.pattern}) if way.pattern else here
    return found


def _has(term: Term) -> Q:
    """A project with the word anywhere. IN and not joins: the few funders and programmes are found once."""
    return (
        _stands_in("search_text", term)
        | Q(funder__in=_named(Funder, term))
        | Q(programme__in=_named(Programme, term))
        | Q(
            pk__in=ProjectParty.objects.annotate(low=_Joined("name", "kind", "place"))
            .filter(_stands_in("low", term))
            .order_by()
            .values("project")
        )
    )


def _named(model: type[Model], term: Term) -> QuerySet[Any]:
    rows = model._default_manager.annotate(low=_lower("name"))
    return rows.filter(_stands_in("low", term)).order_by().values("pk")


def _as_a_word(column: str, written: str) -> Q:
    # LIKE first: it costs a tenth of the regular expression.
    return Q(**{f"{column}__contains": written}) & Q(
        **{f"{column}__regex": rf"(?<!\w){re.escape(written)}(?!\w)"}
    )


def _is_number(written: str) -> Q:
    """Whether the whole query is one of the project's numbers."""
    if not any(map(str.isdigit, written)):
        return Q(pk__in=[])
    asked = Q(project_number__iexact=written) | Q(dnr__iexact=written) | Q(external_reference__iexact=written)
    if found := re.fullmatch(r"p-([0-9]{4})-([0-9]{1,6})", written):
        asked |= Q(register_year=int(found[1]), register_number=int(found[2]))
    return asked


def _may_be_guessed(term: Term) -> bool:
    return term.written.isalpha() and len(fold(term.written)) >= _LETTERS_TO_GUESS_BY and not term.exact
