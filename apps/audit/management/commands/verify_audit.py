"""`manage.py verify_audit`: walk every chain of the audit trail and say whether it holds."""

from typing import Any, override

from django.core.management.base import BaseCommand, CommandError

from apps.audit.chain import ChainReport, verify_all_chains


class Command(BaseCommand):
    help = "Check that no entry of the audit trail was changed, removed or put in."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for report in verify_all_chains():
            broken += not report.holds
            self.stdout.write(_line(report))
        if broken:
            raise CommandError(f"{broken} chain(s) of the audit trail are broken")


def _line(report: ChainReport) -> str:
    owner = f"tenant {report.tenant_id}" if report.tenant_id else "platform"
    state = f"BROKEN: {report.fault}" if report.fault else "holds"
    return f"{owner}: {report.entries} entries, head {report.head[:16]}, {state}"
