"""PaLM gets a wire of its own; its models leave the provider whose wire is Gemini's."""

from typing import Any

from django.db import migrations, models

MODELS = ("text-bison-001", "chat-bison-001")


def move_models(apps: Any, _schema_editor: Any) -> None:
    """Move the models where they were; the catalogue adds them to a new database itself."""
    LlmModel = apps.get_model("providers", "LlmModel")
    moved = LlmModel.objects.filter(name__in=MODELS, provider__slug="google")
    if not moved.exists():
        return
    provider, _is_new = apps.get_model("providers", "Provider").objects.get_or_create(
        slug="palm",
        defaults={
            "name": "Google PaLM (retired)",
            "adapter": "palm",
            "base_url": "https://generativelanguage.googleapis.com",
        },
    )
    moved.update(provider=provider)


class Migration(migrations.Migration):
    dependencies = [("providers", "0003_traffic_replaces_is_enabled")]

    operations = [
        migrations.AlterField(
            model_name="provider",
            name="adapter",
            field=models.CharField(
                choices=[
                    ("openai", "OpenAI and compatible servers"),
                    ("anthropic", "Anthropic"),
                    ("google", "Google Gemini"),
                    ("palm", "Google PaLM (retired by its vendor)"),
                    ("simulated", "Built-in simulation"),
                ],
                max_length=20,
                verbose_name="wire",
            ),
        ),
        migrations.RunPython(move_models, migrations.RunPython.noop),
    ]
