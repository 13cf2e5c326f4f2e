"""Texts are refused for a personal identity number by the rule of values.personal_number."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('strategy', '0005_handover_to_nobody'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='person',
            name='no_personal_identity_number_about_a_person',
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('name__regex', '(?<![0-9])(?:(?:18|19|20)?[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01])[-+]|(?:18|19|20)[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01]) ?)[0-9]{4}(?![0-9])'), _negated=True), models.Q(('title__regex', '(?<![0-9])(?:(?:18|19|20)?[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01])[-+]|(?:18|19|20)[0-9][0-9](?:0[1-9]|1[0-2])(?:[06][1-9]|[1278][0-9]|[39][01]) ?)[0-9]{4}(?![0-9])'), _negated=True)), name='no_personal_identity_number_about_a_person'),
        ),
    ]
