"""Marks: a drawn shape and a word, so that colour never speaks alone.

The shapes are inline SVG in `currentColor`, drawn by presentation attributes: a CSS background vanishes on
paper and in high contrast, and `style=` is refused by the content security policy.
"""

from typing import Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_CIRCLE: Final = '<circle cx="5" cy="5" r="4.2" fill="none" stroke="currentColor" stroke-width="1.6"/>'

# Ring, half and full say how far something has come; diamond and square what must be dealt with;
# dash that nothing is known.
SHAPES: Final[dict[str, str]] = {
    "ring": _CIRCLE,
    "half": _CIRCLE + '<path d="M5 .8a4.2 4.2 0 0 0 0 8.4z" fill="currentColor"/>',
    "full": '<circle cx="5" cy="5" r="5" fill="currentColor"/>',
    "diamond": '<path d="M5 0l5 5-5 5-5-5z" fill="currentColor"/>',
    "square": '<path d="M1 1h8v8H1z" fill="currentColor"/>',
    "dash": '<path d="M1 5h8" fill="none" stroke="currentColor" stroke-width="1.6"/>',
    "cross": '<path d="M1.5 1.5l7 7m0-7l-7 7" fill="none" stroke="currentColor" stroke-width="1.6"/>',
}
TONES: Final = ("", "warn", "stop", "good")


@register.simple_tag
def mark(shape: str, label: object = "", tone: str = "") -> SafeString:
    """The shape alone, or with `label` the whole mark; `tone` (warn, stop, good) adds a colour.

    An unknown shape or tone raises KeyError or ValueError: a silent blank would be a state nobody sees.
    """
    svg = format_html(
        '<svg viewBox="0 0 10 10" aria-hidden="true" focusable="false">{}</svg>', mark_safe(SHAPES[shape])
    )
    if tone not in TONES:
        raise ValueError(f"Unknown tone {tone!r}: choose one of {', '.join(filter(None, TONES))}.")
    if not label:
        return svg
    css = f"mark mark--{tone}" if tone else "mark"
    return format_html('<span class="{}">{}<span>{}</span></span>', css, svg, label)
