"""`manage.py write_usage`: run the usage writer until it is told to end."""

import signal
from typing import Any, override

from django.core.management.base import BaseCommand

from apps.usage.writer import UsageWriter


class Command(BaseCommand):
    help = "Moves usage events from the Redis stream to the ledger; ends on SIGTERM."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        writer = UsageWriter()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: writer.stop())
        writer.run()
