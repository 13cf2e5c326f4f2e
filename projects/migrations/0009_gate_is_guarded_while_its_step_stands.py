"""A correction undoes the steps from the state it goes back to on, and frees the gates of no other."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0008_personal_numbers_by_one_rule'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='projectgate',
            name='stands_before_the_step_it_guards',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='projectgate',
            trigger=pgtrigger.compiler.Trigger(name='stands_before_the_step_it_guards', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    PERFORM 1 FROM projects_project p WHERE p.id = OLD.project_id FOR UPDATE;\n                    IF EXISTS (\n                        SELECT 1 FROM projects_projectstep s WHERE s.project_id = OLD.project_id\n                        AND s.kind = 'step' AND OLD.kind = ANY (s.gates)\n                        AND (TG_OP = 'DELETE' OR s.taken_on < NEW.done_on)\n                        AND NOT EXISTS (\n                            SELECT 1 FROM projects_projectstep c\n                            WHERE c.project_id = s.project_id AND c.kind = 'correction' AND c.id > s.id\n                            AND NOT EXISTS (\n                                SELECT 1 FROM projects_projectstep led\n                                WHERE led.project_id = s.project_id AND led.kind = 'step'\n                                AND led.to_state = c.to_state AND led.id >= s.id AND led.id < c.id\n                            )\n                        )\n                    ) THEN\n                        RAISE EXCEPTION 'a step rests on this gate'\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_gate_stands_before_its_step';\n                    END IF;\n                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                    RETURN NEW;\n                ", hash='8577e756b92fef6f83aa4c7dfb8643bca362aa06', operation='UPDATE OF "done_on" OR DELETE', pgid='pgtrigger_stands_before_the_step_it_guards_e6bb2', table='projects_projectgate', when='BEFORE')),
        ),
    ]
