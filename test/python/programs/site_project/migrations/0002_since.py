from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("site_project", "0001_initial")]
    operations = [migrations.AddField("town", "since", models.IntegerField(default=1900))]
