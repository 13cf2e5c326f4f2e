"""Currency, precisions and how it came stay as they were said too."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0009_gate_is_guarded_while_its_step_stands'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='reportedproject',
            name='stays_as_it_was_said',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='reportedproject',
            trigger=pgtrigger.compiler.Trigger(name='stays_as_it_was_said', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."title" IS DISTINCT FROM (NEW."title") OR OLD."funder" IS DISTINCT FROM (NEW."funder") OR OLD."amount" IS DISTINCT FROM (NEW."amount") OR OLD."amount_currency" IS DISTINCT FROM (NEW."amount_currency") OR OLD."amount_approximate" IS DISTINCT FROM (NEW."amount_approximate") OR OLD."starts_on" IS DISTINCT FROM (NEW."starts_on") OR OLD."starts_precision" IS DISTINCT FROM (NEW."starts_precision") OR OLD."ends_on" IS DISTINCT FROM (NEW."ends_on") OR OLD."ends_precision" IS DISTINCT FROM (NEW."ends_precision") OR OLD."file_id" IS DISTINCT FROM (NEW."file_id") OR OLD."reported_by_id" IS DISTINCT FROM (NEW."reported_by_id") OR OLD."by_mail" IS DISTINCT FROM (NEW."by_mail"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='6cf40b2a4bab8309ee3762e9c3fc85052aa261ff', operation='UPDATE', pgid='pgtrigger_stays_as_it_was_said_2acff', table='projects_reportedproject', when='BEFORE')),
        ),
    ]
