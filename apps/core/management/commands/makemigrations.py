"""`manage.py makemigrations`, run as the owner: a new data base has no runtime role yet."""

from typing import Any, override

from django.core.management.commands.makemigrations import Command as DjangoMakeMigrations
from django.db import connection

from apps.core.row_security import as_owner


class Command(DjangoMakeMigrations):
    @override
    def handle(self, *args: Any, **options: Any) -> str | None:
        with as_owner(connection):
            result: str | None = super().handle(*args, **options)
        return result
