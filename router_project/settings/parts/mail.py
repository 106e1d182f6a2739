"""Mail: by SMTP when a host is named, else printed among the logs."""

from typing import Any

from router_project.env import environment

DEFAULT_FROM_EMAIL = environment.text("EMAIL_FROM", "LLM Router <router@localhost>")

_host = environment.text("EMAIL_HOST", "")
_smtp: dict[str, Any] = {
    "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "OPTIONS": {
        "host": _host,
        "port": environment.integer("EMAIL_PORT", 587, minimum=1),
        "username": environment.text("EMAIL_USER", ""),
        "password": environment.secret("EMAIL_PASSWORD", ""),
        "use_tls": environment.boolean("EMAIL_USE_TLS", default=True),
        "timeout": 10,
    },
}
_console: dict[str, Any] = {"BACKEND": "django.core.mail.backends.console.EmailBackend"}

MAILERS = {"default": _smtp if _host else _console}
