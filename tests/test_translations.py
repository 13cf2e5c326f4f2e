"""Swedish is complete: every text a person can meet is translated, and the compiled catalogue is the written one."""

import gettext
import string

from config import catalogue


def test_every_text_has_its_swedish():
    assert catalogue.untranslated(catalogue.update()) == []


def test_the_written_catalogue_holds_exactly_the_texts_there_are():
    written = {(m.context, m.id) for m in catalogue.read() if m.id}
    there_are = {(m.context, m.id) for m in catalogue.update() if m.id}
    assert written == there_are


def test_the_compiled_catalogue_says_what_the_written_one_says():
    with catalogue.MO.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    differing = [
        m.id
        for m in catalogue.read()
        if isinstance(m.id, str) and m.id and m.context is None and compiled.gettext(m.id) != m.string
    ]
    assert differing == []


def test_a_translation_keeps_the_places_of_its_text():
    def places(text: str) -> set[str]:
        return {word.split(")")[0] for word in text.split("%(")[1:]} | {
            name for _text, name, _spec, _conv in string.Formatter().parse(text.replace("%", "%%")) if name
        }

    wrong = []
    for message in catalogue.read():
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        said = message.string if isinstance(message.string, tuple | list) else (message.string,)
        for form, text in enumerate(said):
            if ids[0] and text and places(text) != places(ids[min(form, len(ids) - 1)]):
                wrong.append(ids[0])
    assert wrong == []
