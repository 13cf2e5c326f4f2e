"""The log's indexes begin with the municipality: those of the municipality alone led the planner astray, and every
event pays for each. Nobody looks events of a project up by its unit, funder, programme or manager either."""

from django.db import migrations

FEWER = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT c.relname AS name FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE t.relnamespace = 'public'::regnamespace AND NOT i.indisunique AND i.indnatts = 1
        AND t.relname LIKE 'projects\\_%event' AND (
            (a.attname = 'municipality_id'
                AND to_regclass('public.' || quote_ident(t.relname || '_log')) IS NOT NULL)
            OR (t.relname = 'projects_projectevent' AND a.attname IN ('owner_unit_id', 'project_manager_id',
                'funder_id', 'programme_id', 'follows_id', 'part_of_id', 'kept_up_by_id'))
        )
    LOOP
        EXECUTE format('DROP INDEX public.%I', found.name);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("projects", "0010_report_stays_whole_as_it_was_said")]

    operations = [migrations.RunSQL(FEWER, migrations.RunSQL.noop)]
