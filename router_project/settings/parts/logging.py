"""Logs: structured, one line per event, JSON in production; secrets are taken out on the way."""

import logging

import structlog
from structlog.typing import Processor

from router_project.env import environment
from router_project.redaction import redact_event

LOG_LEVEL = environment.choice(
    "LOG_LEVEL", "INFO", allowed=frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
)
LOG_FORMAT = environment.choice("LOG_FORMAT", "json", allowed=frozenset({"json", "console"}))

_shared: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_renderer: Processor = (
    structlog.processors.JSONRenderer()
    if LOG_FORMAT == "json"
    else structlog.dev.ConsoleRenderer(colors=False)
)

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_shared,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact_event,
                _renderer,
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Django attaches handlers of its own; one way out is enough.
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        # A line for each scheduled task is no news; failures are.
        "celery.beat": {"level": logging.WARNING},
        "celery.app.trace": {"level": logging.WARNING},
        "celery.worker.strategy": {"level": logging.WARNING},
        # The vendors' clients write whole headers of answers at DEBUG, whatever is in them.
        "httpx2": {"level": logging.WARNING},
        "httpcore2": {"level": logging.WARNING},
    },
}
