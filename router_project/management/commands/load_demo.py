"""`manage.py load_demo`: tenants, people, keys, rules and history to try the product with."""

import os
from pathlib import Path
from typing import Any, override

from django.core.management.base import BaseCommand, CommandParser

from router_project.demo.site import load_demo


class Command(BaseCommand):
    help = "Loads the demo data that is missing and writes its log-ins and keys to a file."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, default=Path("var/quickstart.json"))

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        load_demo(options["output"], os.environ)
        self.stdout.write(f"written: {options['output']}")
