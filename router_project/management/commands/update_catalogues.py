"""`manage.py update_catalogues`: collects strings into locale/ and compiles what is translated."""

from typing import Any, override

from django.core.management.base import BaseCommand

from router_project.catalogues.layout import Layout
from router_project.catalogues.update import update


class Command(BaseCommand):
    help = "Add new strings to the catalogues, retire unused ones, and compile."
    requires_system_checks = ()

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        for change in update(Layout()):
            self.stdout.write(
                f"{change.locale}: {change.added} new, {change.removed} retired,"
                f" {change.untranslated} to translate"
            )
