"""Texts are refused for a personal identity number by the rule of values.personal_number."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0007_what_joining_wrote'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='groupmember',
            name='no_personal_identity_number_about_a_member',
        ),
        migrations.RemoveConstraint(
            model_name='project',
            name='no_personal_identity_number_about_who_started',
        ),
        migrations.AddConstraint(
            model_name='groupmember',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('function__regex', '(?<![0-9])(?:(?:18|19|20)?[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01])[-+]|(?:18|19|20)[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01]) ?)[0-9]{4}(?![0-9])'), _negated=True), models.Q(('organisation__regex', '(?<![0-9])(?:(?:18|19|20)?[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01])[-+]|(?:18|19|20)[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01]) ?)[0-9]{4}(?![0-9])'), _negated=True)), name='no_personal_identity_number_about_a_member'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('initiated_by__regex', '(?<![0-9])(?:(?:18|19|20)?[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01])[-+]|(?:18|19|20)[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01]) ?)[0-9]{4}(?![0-9])'), _negated=True), name='no_personal_identity_number_about_who_started'),
        ),
    ]
