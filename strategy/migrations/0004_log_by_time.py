"""The global log reads a municipality's events by their time, from every event table at once."""

from django.db import migrations

TABLES = (
    "strategy_municipalitymemberevent",
    "strategy_maildomainevent",
    "strategy_populationevent",
    "strategy_unitevent",
    "strategy_unitnameevent",
    "strategy_boardserviceevent",
    "strategy_assignmentevent",
    "strategy_storedfileevent",
    "strategy_importbatchevent",
    "strategy_rememberedwordevent",
    "strategy_documentevent",
    "strategy_handoverevent",
)


class Migration(migrations.Migration):
    dependencies = [
        ("strategy", "0003_second_factor_taken_away"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        *[
            migrations.RunSQL(
                f"CREATE INDEX {table}_log ON {table} (municipality_id, pgh_created_at, pgh_context_id)",
                f"DROP INDEX {table}_log",
            )
            for table in TABLES
        ],
        # A person is registered somewhere, and belongs to the installation.
        migrations.RunSQL(
            "CREATE INDEX strategy_personevent_log"
            " ON strategy_personevent (registered_in_id, pgh_created_at, pgh_context_id)",
            "DROP INDEX strategy_personevent_log",
        ),
        migrations.RunSQL(
            "CREATE INDEX pghistory_context_of_municipality"
            " ON pghistory_context ((metadata ->> 'municipality'), created_at)",
            "DROP INDEX pghistory_context_of_municipality",
        ),
    ]
