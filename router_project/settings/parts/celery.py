"""Celery: queue, safety of delivery, schedules."""

from router_project.addresses import broker_address
from router_project.env import environment
from router_project.settings.parts.cache import REDIS_URL

CELERY_BROKER_URL = environment.secret("CELERY_BROKER_URL", broker_address(REDIS_URL))

CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_SERIALIZER = "json"
# Results live in the tables of the apps; a second copy in the broker would only leak content.
CELERY_TASK_IGNORE_RESULT = True

# A killed worker's task is delivered again, so tasks are idempotent.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_TASK_SOFT_TIME_LIMIT = 25 * 60
# Longer than the longest task, or a running one would be started twice.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": CELERY_TASK_TIME_LIMIT + 5 * 60,
    "global_keyprefix": "celery:",
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
DJANGO_CELERY_BEAT_TZ_AWARE = True

_MINUTE = 60.0
# Defaults; an operator changes them in the admin.
CELERY_BEAT_SCHEDULE = {
    "settle orphaned reservations": {"task": "api_keys.settle_orphans", "schedule": _MINUTE},
    "sweep overdue jobs": {"task": "jobs.sweep", "schedule": _MINUTE / 4},
    "restore lost snapshots": {"task": "routing.restore_snapshots", "schedule": _MINUTE / 4},
    "prepare partitions": {"task": "usage.prepare_partitions", "schedule": 60 * _MINUTE},
    "drop old responses": {
        "task": "conversations.drop_old_responses",
        "schedule": 24 * 60 * _MINUTE,
    },
}
