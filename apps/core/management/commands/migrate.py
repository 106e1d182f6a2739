"""`manage.py migrate`, run as the owner of the tables and finished with row-level security."""

from typing import Any, override

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from apps.core.row_security import apply_row_security


class Command(DjangoMigrate):
    @override
    def handle(self, *args: Any, **options: Any) -> str | None:
        connection = connections[options["database"]]
        connection.close()
        # The runtime role owns nothing, so it cannot migrate.
        role = connection.settings_dict["OPTIONS"].pop("assume_role", None)
        try:
            result = super().handle(*args, **options)
            apply_row_security(connection)
        finally:
            connection.close()
            if role is not None:
                connection.settings_dict["OPTIONS"]["assume_role"] = role
        return result
