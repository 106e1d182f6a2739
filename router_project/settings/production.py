"""Production: every fault of the environment is listed and stops the start."""

from router_project.settings.base import *

OUTBOUND_ALLOW_PRIVATE = False
environment.refuse_faults()
