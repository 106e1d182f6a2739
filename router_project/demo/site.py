"""The demo site: two tenants with people, keys, rules and history. Loading it again is harmless."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.api_keys.enums import Scope
from apps.api_keys.hashing import is_genuine, parse_key
from apps.api_keys.models import ApiKey
from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.money import MICRO_USD_PER_USD
from apps.core.scoping import all_tenants
from apps.providers.catalogue.loading import load_catalogue
from apps.providers.services import connect_provider_keys_from_environment
from apps.routing import route_manager
from apps.tenants.models import Project, Tenant
from apps.tenants.services import create_project, create_tenant
from router_project.demo.history import make_history
from router_project.demo.people import members, platform_admin
from router_project.demo.rules import grant_models, make_aliases, make_prompts, make_rules

FIRST = ("acme", "Acme", "en", "America/New_York")
SECOND = ("boa-vista", "Boa Vista", "pt-br", "America/Sao_Paulo")
PROJECTS = (("support", "Customer support"), ("research", "Research"))
KEY_NAME = "Demo key"
KEY_BUDGET_USD = 500


def load_demo(output: Path, environ: Mapping[str, str]) -> None:
    """Load what is missing, publish what has changed, and write the quickstart file."""
    known = _read(output)
    with all_tenants("demo data"):
        load_catalogue()
        connected = connect_provider_keys_from_environment(environ)
        first, second = _tenant(*FIRST), _tenant(*SECOND)
        admin = platform_admin(_passwords(known))
        people = members(first, _passwords(known))
        keys = [
            _key(first, known.get("api_key", "")),
            _key(second, known.get("second_tenant_api_key", "")),
        ]
        _publish(None, is_forced=bool(connected))
        for tenant in (first, second):
            _publish(tenant, is_forced=bool(connected))
    facts = {
        "base_url": settings.PUBLIC_BASE_URL,
        "admin_url": f"{settings.PUBLIC_BASE_URL}/admin/",
        "admin_user": admin.email,
        "admin_password": admin.password,
        "users": [asdict(person) for person in (admin, *people)],
        "api_key": keys[0],
        "second_tenant_api_key": keys[1],
    }
    _write(output, facts)


def _tenant(slug: str, name: str, language: str, time_zone: str) -> Tenant:
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        tenant = create_tenant(
            slug=slug, name=name, language=language, time_zone=time_zone, actor=SYSTEM
        )
        for project_slug, project_name in PROJECTS:
            create_project(
                tenant_id=tenant.id,
                slug=project_slug,
                name=project_name,
                store_content=True,
                actor=SYSTEM,
            )
    grant_models(tenant)
    make_aliases(tenant)
    make_prompts(tenant)
    make_rules(tenant)
    return tenant


def _key(tenant: Tenant, clear: str) -> str:
    """Return the key that was told before if it still works, else a new one."""
    parts = parse_key(clear)
    if parts is not None:
        row = ApiKey.objects.filter(lookup=parts.lookup, tenant=tenant, revoked_at=None).first()
        if row is not None and is_genuine(parts, row.digest):
            return clear
    project = Project.objects.get(tenant=tenant, slug=PROJECTS[0][0])
    created = create_key(
        project=project,
        name=KEY_NAME,
        actor=SYSTEM,
        scopes=list(Scope.values),
        requests_per_minute=6_000,
        monthly_budget=KEY_BUDGET_USD * MICRO_USD_PER_USD,
    )
    make_history(created.row, seed=len(tenant.slug))
    return created.clear


def _publish(tenant: Tenant | None, *, is_forced: bool) -> None:
    tenant_id = tenant.id if tenant else None
    live = route_manager.live_release(tenant_id)
    if live is None or is_forced:
        route_manager.publish(tenant_id=tenant_id, actor=SYSTEM, comment="Demo data")
    else:
        route_manager.restore(tenant_id)


def _passwords(known: Mapping[str, Any]) -> dict[str, str]:
    return {person["email"]: person["password"] for person in known.get("users", [])}


def _read(output: Path) -> dict[str, Any]:
    if not output.exists():
        return {}
    facts: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return facts


def _write(output: Path, facts: dict[str, Any]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch(mode=0o600)
    output.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
