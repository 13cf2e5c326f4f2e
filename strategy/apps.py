from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StrategyConfig(AppConfig):
    name = "strategy"
    verbose_name = _("The municipality")

    def ready(self) -> None:
        from strategy import frame  # noqa: F401 - fills the menus and the messages of constraints
