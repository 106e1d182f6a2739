"""`manage.py load_catalogue`: add the models and prices that ship with the product."""

from typing import Any, override

from django.core.management.base import BaseCommand

from apps.core.scoping import all_tenants
from apps.providers.catalogue.loading import load_catalogue


class Command(BaseCommand):
    help = "Adds missing providers, models, prices and simulated deployments; edits nothing."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with all_tenants("load the catalogue"):
            loaded = load_catalogue()
        self.stdout.write(
            f"added {len(loaded.providers)} providers, {len(loaded.models)} models,"
            f" {len(loaded.prices)} prices, {len(loaded.deployments)} deployments"
        )
