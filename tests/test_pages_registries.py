"""How an upper floor adds to a lower page."""

from dataclasses import dataclass

import pytest

from pages.registries import AlreadyRegistered, Registry


@dataclass(frozen=True)
class Rule:
    name: str
    words: str = ""


def test_things_come_back_in_the_order_in_which_they_were_registered():
    rules: Registry[Rule] = Registry("rule")
    later, earlier = rules.register(Rule("z")), rules.register(Rule("a"))
    assert (list(rules), rules.names, len(rules)) == ([later, earlier], ("z", "a"), 2)


def test_a_thing_is_found_by_its_name():
    rules: Registry[Rule] = Registry("rule")
    rule = rules.register(Rule("no_owner_unit"))
    assert (rules["no_owner_unit"], "no_owner_unit" in rules, "other" in rules) == (rule, True, False)


def test_two_things_of_one_name_are_refused_and_the_first_stays():
    rules: Registry[Rule] = Registry("rule")
    first = rules.register(Rule("no_owner_unit", "first"))
    with pytest.raises(AlreadyRegistered, match="There is already a rule named 'no_owner_unit'"):
        rules.register(Rule("no_owner_unit", "second"))
    assert list(rules) == [first]


def test_a_misspelt_name_is_answered_with_those_there_are():
    rules: Registry[Rule] = Registry("rule")
    rules.register(Rule("no_owner_unit"))
    with pytest.raises(KeyError, match=r"There is no rule named 'no_owner'. Known: no_owner_unit\."):
        rules["no_owner"]


def test_the_name_may_be_told_by_a_function_and_registering_may_decorate():
    reports: Registry[type] = Registry("report", name_of=lambda kind: kind.__name__.lower())

    @reports.register
    class Yearly: ...

    assert reports["yearly"] is Yearly
