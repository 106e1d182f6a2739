from django.db import migrations


class Migration(migrations.Migration):
    """Apart from the copying: Postgres alters no table that has changes pending."""

    dependencies = [
        ("providers", "0002_traffic_switches"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="deployment",
            name="is_enabled",
        ),
        migrations.RemoveField(
            model_name="provider",
            name="is_enabled",
        ),
    ]
