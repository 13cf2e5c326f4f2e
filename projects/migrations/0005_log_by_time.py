"""The global log reads a municipality's events by their time, from every event table at once."""

from django.db import migrations

TABLES = (
    "projects_funderevent",
    "projects_programmeevent",
    "projects_projectevent",
    "projects_projectunitevent",
    "projects_projectpartyevent",
    "projects_projectshareevent",
    "projects_importedprojectevent",
    "projects_projectnumberevent",
    "projects_projectstepevent",
    "projects_projectgateevent",
    "projects_projectgroupevent",
    "projects_groupmemberevent",
    "projects_groupmeetingevent",
    "projects_effectfollowupevent",
    "projects_projectdocumentevent",
    "projects_grantlistprofileevent",
    "projects_listedgrantevent",
    "projects_reportedprojectevent",
)


class Migration(migrations.Migration):
    dependencies = [("projects", "0004_links_to_report_a_project")]

    operations = [
        *[
            migrations.RunSQL(
                f"CREATE INDEX {table}_log ON {table} (municipality_id, pgh_created_at, pgh_context_id)",
                f"DROP INDEX {table}_log",
            )
            for table in TABLES
        ],
        migrations.RunSQL(
            "CREATE INDEX projects_projectshareevent_owner_log"
            " ON projects_projectshareevent (owner_municipality_id, pgh_created_at, pgh_context_id)",
            "DROP INDEX projects_projectshareevent_owner_log",
        ),
    ]
