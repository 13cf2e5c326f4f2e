"""How an upper floor adds to a lower page: the lower keeps a registry, the upper fills it at start-up."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Generic, TypeVar

T = TypeVar("T")


class AlreadyRegistered(ValueError):
    """Two things of one registry bear the same name: one of them would never be seen."""


class Registry(Generic[T]):
    """Things of one kind, each under its name, in the order in which they were registered.

    `what` says in the singular what is kept, for the messages. `name_of` tells an item's name, by default its
    attribute `name`. Filled in AppConfig.ready(), which Django calls in the order of INSTALLED_APPS.
    """

    def __init__(self, what: str, name_of: Callable[[T], str] = attrgetter("name")) -> None:
        self.what = what
        self._name_of = name_of
        self._items: dict[str, T] = {}

    def register(self, item: T) -> T:
        """Returns the item, so that it serves as a decorator too."""
        name = self._name_of(item)
        if name in self._items:
            raise AlreadyRegistered(f"There is already a {self.what} named {name!r}: {self._items[name]!r}.")
        self._items[name] = item
        return item

    def __getitem__(self, name: str) -> T:
        """The item of that name; KeyError, naming those there are, if it is not known."""
        try:
            return self._items[name]
        except KeyError:
            known = ", ".join(self._items) or "none"
            raise KeyError(f"There is no {self.what} named {name!r}. Known: {known}.") from None

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._items)
