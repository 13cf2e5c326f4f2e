"""The list offers its programmes from the index that it is found and ordered by, as it does its funders."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("projects", "0005_log_by_time")]

    operations: ClassVar[list[Operation]] = [
        migrations.RemoveIndex(model_name="project", name="project_list"),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(
                fields=["municipality", "registered_at", "register_year", "register_number", "id"],
                include=(
                    *("withdrawn_at", "starts_on", "ends_on", "recorded_for_year", "state", "role"),
                    *("owner_unit", "project_manager", "funder", "own_share", "own_share_currency"),
                    "programme",
                ),
                name="project_list",
            ),
        ),
    ]
