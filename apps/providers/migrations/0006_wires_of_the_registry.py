from django.db import migrations, models

import apps.providers.enums


class Migration(migrations.Migration):
    dependencies = [
        ("providers", "0005_server_kind"),
    ]

    operations = [
        migrations.AlterField(
            model_name="provider",
            name="adapter",
            field=models.CharField(
                choices=apps.providers.enums.wire_choices, max_length=20, verbose_name="wire"
            ),
        ),
    ]
