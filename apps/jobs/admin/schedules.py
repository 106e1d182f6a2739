"""What the beat process starts and when, to look at: schedules are part of the program."""

from django.contrib import admin
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.decorators import display

from apps.audit.admin import ReadOnlyModelAdmin

# The package brings no Portuguese: here its names for pages enter our catalogue.
PAGE_NAMES = (_("Periodic Tasks"), _("periodic task"), _("periodic tasks"))

# The package's own pages change schedules past the audit trail.
for model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyModelAdmin):
    """Recurring work of the product itself."""

    list_display = ("name", "shown_task", "shown_schedule", "is_on", "last_run")
    list_select_related = ("interval", "crontab")
    search_fields = ("name", "task")
    ordering = ("name",)
    fields = ("shown_task", "shown_schedule", "is_on", "last_run")
    empty_list_text = _("The beat process writes its schedules here when it starts.")

    @display(description=_("task"), ordering="task")
    def shown_task(self, row: PeriodicTask) -> str:
        return str(row.task)

    @display(description=_("when"))
    def shown_schedule(self, row: PeriodicTask) -> str:
        if row.interval:
            seconds = int(row.interval.schedule.run_every.total_seconds())
            return _now("every %(count)s seconds") % {"count": seconds}
        fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")
        return " ".join(str(getattr(row.crontab, field)) for field in fields) if row.crontab else ""

    @display(description=_("enabled"), boolean=True, ordering="enabled")
    def is_on(self, row: PeriodicTask) -> bool:
        return bool(row.enabled)

    @display(description=_("last run"), ordering="last_run_at")
    def last_run(self, row: PeriodicTask) -> object:
        return row.last_run_at
