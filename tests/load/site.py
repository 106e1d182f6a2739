"""What the benchmark needs in the tables: a tenant with one deployment, the mock."""

import datetime as dt
from uuid import uuid4

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.routing import route_manager
from apps.tenants.services import create_project, create_tenant

MODEL = "bench-model"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def make_site(upstream: str) -> str:
    """Create and publish everything; returns the API key in clear."""
    with all_tenants("benchmark"):
        tenant = create_tenant(slug=f"bench-{uuid4().hex[:8]}", name="Benchmark", actor=SYSTEM)
        project = create_project(tenant_id=tenant.id, slug="bench", name="Bench", actor=SYSTEM)
        provider, _ = Provider.objects.get_or_create(
            slug="bench", defaults={"name": "Bench", "adapter": "openai"}
        )
        model, _ = LlmModel.objects.get_or_create(
            name=MODEL,
            defaults={"provider": provider, "context_window": 8_000, "max_output_tokens": 1_000},
        )
        Price.objects.get_or_create(
            tenant=None,
            llm_model=model,
            effective_from=LONG_AGO,
            defaults={"input_price": 1_000_000, "output_price": 2_000_000},
        )
        Deployment.objects.create(
            tenant=tenant, name="bench", llm_model=model, base_url=upstream, upstream_model=MODEL
        )
        created = create_key(
            project=project,
            name="Bench",
            actor=SYSTEM,
            monthly_budget=10**15,
            requests_per_minute=10**7,
        )
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Benchmark")
        route_manager.publish(tenant_id=tenant.id, actor=SYSTEM, comment="Benchmark")
        return created.clear
