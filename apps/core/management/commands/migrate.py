"""`manage.py migrate`, run as the owner of the tables and finished with row-level security."""

from typing import Any, override

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from apps.core.row_security import apply_row_security, as_owner


class Command(DjangoMigrate):
    @override
    def handle(self, *args: Any, **options: Any) -> str | None:
        connection = connections[options["database"]]
        with as_owner(connection):
            result: str | None = super().handle(*args, **options)
            apply_row_security(connection)
        return result
