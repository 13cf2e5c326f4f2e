"""How this floor says no."""

from typing import ClassVar


class Refused(ValueError):
    """Something that was written cannot be taken as what it should be.

    `code` names the reason as a short sentence, `params` is what a message needs to repeat. `codes`
    are all a kind of refusal can have, so that whoever writes the messages can prove none is missing.
    Mistakes of the programmer (a float as money) are plain TypeError and ValueError instead.
    """

    codes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def shown(text: str) -> str:
    """What of a refused text is repeated: a pasted document shall not become an error message."""
    return text if len(text) <= 60 else text[:59] + "…"
