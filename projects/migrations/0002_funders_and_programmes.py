"""The funders and programmes that ship with Medel (projects/reference/README.md)."""

import csv
from pathlib import Path

from django.db import migrations

LIST = Path(__file__).resolve().parent.parent / "reference" / "funders.csv"


def fill(apps, schema_editor):
    Funder = apps.get_model("projects", "Funder")
    Programme = apps.get_model("projects", "Programme")
    funders = {}
    with LIST.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            if row["funder"] not in funders:
                funders[row["funder"]] = Funder.objects.create(name=row["funder"], kind=row["kind"])
            if row["programme"]:
                Programme.objects.create(name=row["programme"], funder=funders[row["funder"]])


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_register")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
