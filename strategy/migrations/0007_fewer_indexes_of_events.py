"""The log's indexes begin with the municipality: those of the municipality alone led the planner astray, and every
event pays for each."""

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
        AND t.relname LIKE 'strategy\\_%event' AND (
            (a.attname = 'municipality_id'
                AND to_regclass('public.' || quote_ident(t.relname || '_log')) IS NOT NULL)
        )
    LOOP
        EXECUTE format('DROP INDEX public.%I', found.name);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("strategy", "0006_personal_numbers_by_one_rule")]

    operations = [migrations.RunSQL(FEWER, migrations.RunSQL.noop)]
