"""The Swedish catalogue: finds every text, keeps locale/sv up to date and compiles it. `make messages`.

Babel does the work, so that neither gettext nor any other program is needed; templates are turned into Python
by Django's own templatize, as makemessages does.
"""

from __future__ import annotations

import re
import sys
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

BASE = Path(__file__).resolve().parent.parent
ROOMS = ("values", "pages", "strategy", "projects", "reporting", "config")
PO = BASE / "locale" / "sv" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
KEYWORDS: dict[str, tuple[int | tuple[int, int] | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}

LITERAL = re.compile(r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""", re.DOTALL)
# What templatize makes of {% translate %} and {% blocktranslate %}: calls with literals.
CALL = re.compile(
    rf"\b(?P<function>n?p?gettext|_)\(\s*(?P<arguments>(?:{LITERAL.pattern}\s*,?\s*)+)", re.DOTALL
)


def texts() -> Iterator[tuple[Path, str | None, str | tuple[str, str]]]:
    """Every text a person can meet: file, context and msgid (two for a plural)."""
    for room in ROOMS:
        for path in sorted((BASE / room).rglob("*.py")):
            if "migrations" not in path.parts:
                with path.open("rb") as file:
                    for _line, function, messages, _c in extract_python(file, KEYWORDS, (), {}):
                        told = messages if isinstance(messages, list | tuple) else [messages]
                        yield from _text(path, str(function or ""), [m for m in told if isinstance(m, str)])
    for path in sorted((BASE / "templates").rglob("*.*")):
        if path.suffix in {".html", ".txt"}:
            source = templatize(path.read_text(encoding="utf-8"))
            for call in CALL.finditer(source):
                literals = [literal_eval(literal) for literal in LITERAL.findall(call["arguments"])]
                yield from _text(path, call["function"], literals)


def _text(
    path: Path, function: str, told: list[str]
) -> Iterator[tuple[Path, str | None, str | tuple[str, str]]]:
    context = told.pop(0) if "pgettext" in function and told else None
    if function.removeprefix("n").startswith(("gettext", "pgettext")) and function.startswith("n"):
        if len(told) >= 2:
            yield path, context, (told[0], told[1])
    elif told and told[0]:
        yield path, context, told[0]


def read() -> Catalog:
    if not PO.exists():
        return Catalog(locale="sv", domain="django", charset="utf-8", fuzzy=False)
    with PO.open("rb") as file:
        return read_po(file, locale="sv", domain="django")


def update() -> Catalog:
    """The catalogue with exactly the texts there are: new ones empty, those no longer used gone."""
    before = read()
    now = Catalog(locale="sv", domain="django", charset="utf-8", fuzzy=False, project="Medel", version="1")
    for path, context, msgid in texts():
        known = before.get(msgid, context)
        now.add(
            msgid,
            known.string if known else None,
            locations=[(path.relative_to(BASE).as_posix(), None)],  # type: ignore[list-item]
            context=context,
            flags={"python-format"} if known and known.python_format else (),
        )
    return now


def untranslated(catalogue: Catalog) -> list[str]:
    """Texts without Swedish."""
    missing = []
    for message in catalogue:
        if not message.id:
            continue
        said = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if not said or not all(said) or message.fuzzy:
            missing.append(str(message.id))
    return missing


def main() -> int:
    catalogue = update()
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalogue, width=0, sort_output=True, omit_header=False, include_lineno=False)
    with MO.open("wb") as file:
        write_mo(file, catalogue)
    missing = untranslated(catalogue)
    for text in missing:
        print(f"no Swedish for: {text}", file=sys.stderr)
    print(f"{len(catalogue)} texts, {len(missing)} without Swedish.")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
