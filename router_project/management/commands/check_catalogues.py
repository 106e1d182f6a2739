"""`manage.py check_catalogues`: fails when a string is missing, untranslated, doubtful or stale."""

from typing import Any, override

from django.core.management.base import BaseCommand, CommandError

from router_project.catalogues.check import faults
from router_project.catalogues.layout import Layout


class Command(BaseCommand):
    help = "Check that every string is translated and every catalogue compiled."
    requires_system_checks = ()

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        found = faults(Layout())
        for fault in found:
            self.stdout.write(fault)
        if found:
            raise CommandError(f"{len(found)} faults in the catalogues")
        self.stdout.write("every string is translated")
