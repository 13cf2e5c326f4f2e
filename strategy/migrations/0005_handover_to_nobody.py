"""What ends with nobody after it waits for its day as well."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('strategy', '0004_log_by_time'),
    ]

    operations = [
        migrations.AlterField(
            model_name='handover',
            name='receiver',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='strategy.person', verbose_name='to'),
        ),
        migrations.AlterField(
            model_name='handoverevent',
            name='receiver',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='strategy.person', verbose_name='to'),
        ),
    ]
