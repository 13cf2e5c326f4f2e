"""A code and a listed grant keep what joining them wrote into the project, so that parting takes back that alone."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0006_list_is_chosen_by_programme"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="listedgrant",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="listedgrant",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="listedgrant",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="projectnumber",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="projectnumber",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="projectnumber",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="listedgrant",
            name="written",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="listedgrantevent",
            name="written",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="projectnumber",
            name="written",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="projectnumberevent",
            name="written",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listedgrant",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "projects_listedgrantevent" ("acronym", "amount", "amount_currency", "batch_id", "ends_on", "funder", "id", "matched_by", "municipality_id", "organisation_number", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "programme", "project_id", "reason", "recipient", "reference", "role", "settled_at", "settled_by_id", "source", "starts_on", "summary", "title", "total_budget", "unit_id", "url", "version", "written") VALUES (NEW."acronym", NEW."amount", NEW."amount_currency", NEW."batch_id", NEW."ends_on", NEW."funder", NEW."id", NEW."matched_by", NEW."municipality_id", NEW."organisation_number", NEW."outcome", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."programme", NEW."project_id", NEW."reason", NEW."recipient", NEW."reference", NEW."role", NEW."settled_at", NEW."settled_by_id", NEW."source", NEW."starts_on", NEW."summary", NEW."title", NEW."total_budget", NEW."unit_id", NEW."url", NEW."version", NEW."written"); RETURN NULL;',
                    hash="39d1f373789ab003839b75b842ba318d4c63f7d6",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_52d2b",
                    table="projects_listedgrant",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listedgrant",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "projects_listedgrantevent" ("acronym", "amount", "amount_currency", "batch_id", "ends_on", "funder", "id", "matched_by", "municipality_id", "organisation_number", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "programme", "project_id", "reason", "recipient", "reference", "role", "settled_at", "settled_by_id", "source", "starts_on", "summary", "title", "total_budget", "unit_id", "url", "version", "written") VALUES (NEW."acronym", NEW."amount", NEW."amount_currency", NEW."batch_id", NEW."ends_on", NEW."funder", NEW."id", NEW."matched_by", NEW."municipality_id", NEW."organisation_number", NEW."outcome", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."programme", NEW."project_id", NEW."reason", NEW."recipient", NEW."reference", NEW."role", NEW."settled_at", NEW."settled_by_id", NEW."source", NEW."starts_on", NEW."summary", NEW."title", NEW."total_budget", NEW."unit_id", NEW."url", NEW."version", NEW."written"); RETURN NULL;',
                    hash="2dfb8fcced628dc012b1090f5787360f3ba693ea",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9aa5e",
                    table="projects_listedgrant",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listedgrant",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "projects_listedgrantevent" ("acronym", "amount", "amount_currency", "batch_id", "ends_on", "funder", "id", "matched_by", "municipality_id", "organisation_number", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "programme", "project_id", "reason", "recipient", "reference", "role", "settled_at", "settled_by_id", "source", "starts_on", "summary", "title", "total_budget", "unit_id", "url", "version", "written") VALUES (OLD."acronym", OLD."amount", OLD."amount_currency", OLD."batch_id", OLD."ends_on", OLD."funder", OLD."id", OLD."matched_by", OLD."municipality_id", OLD."organisation_number", OLD."outcome", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."programme", OLD."project_id", OLD."reason", OLD."recipient", OLD."reference", OLD."role", OLD."settled_at", OLD."settled_by_id", OLD."source", OLD."starts_on", OLD."summary", OLD."title", OLD."total_budget", OLD."unit_id", OLD."url", OLD."version", OLD."written"); RETURN NULL;',
                    hash="1cba86aa8ef940c6af0aba4ea8a82f7889e23a00",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d1cb7",
                    table="projects_listedgrant",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="projectnumber",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "projects_projectnumberevent" ("ansvar_code", "answered_at", "answered_by_id", "batch_id", "closed_on", "code", "external", "id", "municipality_id", "name", "opened_on", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "source", "version", "written") VALUES (NEW."ansvar_code", NEW."answered_at", NEW."answered_by_id", NEW."batch_id", NEW."closed_on", NEW."code", NEW."external", NEW."id", NEW."municipality_id", NEW."name", NEW."opened_on", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."project_id", NEW."source", NEW."version", NEW."written"); RETURN NULL;',
                    hash="0640d0218f4ab48d8a31a6c5f2d00eeba8096d24",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_5ec85",
                    table="projects_projectnumber",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="projectnumber",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "projects_projectnumberevent" ("ansvar_code", "answered_at", "answered_by_id", "batch_id", "closed_on", "code", "external", "id", "municipality_id", "name", "opened_on", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "source", "version", "written") VALUES (NEW."ansvar_code", NEW."answered_at", NEW."answered_by_id", NEW."batch_id", NEW."closed_on", NEW."code", NEW."external", NEW."id", NEW."municipality_id", NEW."name", NEW."opened_on", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."project_id", NEW."source", NEW."version", NEW."written"); RETURN NULL;',
                    hash="64d4ac533baa2aa9a71eedbe7a0de1742b8280b4",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_cffdc",
                    table="projects_projectnumber",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="projectnumber",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "projects_projectnumberevent" ("ansvar_code", "answered_at", "answered_by_id", "batch_id", "closed_on", "code", "external", "id", "municipality_id", "name", "opened_on", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "source", "version", "written") VALUES (OLD."ansvar_code", OLD."answered_at", OLD."answered_by_id", OLD."batch_id", OLD."closed_on", OLD."code", OLD."external", OLD."id", OLD."municipality_id", OLD."name", OLD."opened_on", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."project_id", OLD."source", OLD."version", OLD."written"); RETURN NULL;',
                    hash="c0882c5a613e71145eb5184db4692fc8d5370ad0",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_b2322",
                    table="projects_projectnumber",
                    when="AFTER",
                ),
            ),
        ),
    ]
