"""A tenant with one model behind one provider, for doors that are tried from end to end."""

import datetime as dt
from uuid import uuid4

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.credentials import create_credential
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.routing import route_manager
from apps.tenants.services import create_project, create_tenant
from apps.usage.journal import process_journal

SECRET = "secret-of-the-provider-1234"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
NEEDS = ("streaming", "tools", "vision", "files", "json_schema", "reasoning")


def publish_model(base_url: str, *, adapter: str, name: str, max_output_tokens: int) -> str:
    """Create a tenant whose one model this provider serves; return a key in clear."""
    mark = uuid4().hex[:8]
    with all_tenants("tests"):
        tenant = create_tenant(slug=f"door-{mark}", name="Door", actor=SYSTEM)
        project = create_project(tenant_id=tenant.id, slug="door", name="Door", actor=SYSTEM)
        provider = Provider.objects.create(slug=f"door-{mark}", name="Door", adapter=adapter)
        model = LlmModel.objects.create(
            name=name,
            provider=provider,
            context_window=200_000,
            max_output_tokens=max_output_tokens,
            capabilities=dict.fromkeys(NEEDS, "yes"),
        )
        Price.objects.create(
            llm_model=model, effective_from=LONG_AGO, input_price=1_000_000, output_price=2_000_000
        )
        credential = create_credential(
            actor=SYSTEM, provider=provider, name="door", secret=SECRET, tenant_id=tenant.id
        )
        Deployment.objects.create(
            tenant=tenant, name="door", llm_model=model, base_url=base_url, credential=credential
        )
        created = create_key(project=project, name="Door", actor=SYSTEM)
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Door")
        route_manager.publish(tenant_id=tenant.id, actor=SYSTEM, comment="Door")
    process_journal().close()
    return created.clear
