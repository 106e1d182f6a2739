"""A tenant whose models are served by a simulated provider, for sites tried from end to end."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from django.core.management import call_command

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.credentials import create_credential
from apps.providers.enums import Capability
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.routing import route_manager
from apps.tenants.models import Project, Tenant
from apps.tenants.services import create_project, create_tenant
from apps.usage.journal import process_journal
from tests.factories.routing import make_alias

# What the providers' key looks like: it must turn up nowhere but at the provider.
SECRET = "secret-of-the-provider-1234"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
NEVER_OF_A_CHAT = frozenset({Capability.AUDIO, Capability.EMBEDDINGS})


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as clients name it, and where it is reached; vectors are all that some make."""

    adapter: str
    name: str
    base_url: str
    upstream_model: str = ""
    makes_vectors: bool = False
    # What kind of server resembles the adapter's vendor; "" is told by the address.
    server_kind: str = ""
    max_output_tokens: int = 64_000

    def can(self, capability: Capability) -> bool:
        if self.makes_vectors:
            return capability is Capability.EMBEDDINGS
        return capability not in NEVER_OF_A_CHAT


@dataclass(frozen=True, slots=True)
class Published:
    """The tenant, its only project, and a key of it in clear."""

    key: str
    tenant: Tenant
    project: Project


def publish_offers(
    offers: Iterable[Offer],
    *,
    aliases: Mapping[str, Sequence[str]] | None = None,
    store_content: bool = False,
) -> Published:
    """Create a tenant that may use these models, and publish; `aliases` are of models in order."""
    mark = uuid4().hex[:8]
    with all_tenants("tests"):
        tenant = create_tenant(slug=f"door-{mark}", name="Door", actor=SYSTEM)
        project = create_project(tenant_id=tenant.id, slug="door", name="Door", actor=SYSTEM)
        project.store_content = store_content
        project.save()
        for offer in offers:
            _deploy(tenant, offer)
        for name, models in (aliases or {}).items():
            make_alias(tenant, name, models)
        created = create_key(project=project, name="Door", actor=SYSTEM)
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Door")
        route_manager.publish(tenant_id=tenant.id, actor=SYSTEM, comment="Door")
    process_journal().close()
    return Published(created.clear, tenant, project)


def empty_tables() -> None:
    """Leave nothing to the tests of other modules, as pytest-django does after each test."""
    call_command(
        "flush",
        verbosity=0,
        interactive=False,
        reset_sequences=False,
        allow_cascade=False,
        inhibit_post_migrate=True,
    )


def _deploy(tenant: Tenant, offer: Offer) -> None:
    provider, _is_new = Provider.objects.get_or_create(
        slug=f"door-{offer.server_kind or offer.adapter}",
        defaults={
            "name": offer.server_kind or offer.adapter,
            "adapter": offer.adapter,
            "server_kind": offer.server_kind,
        },
    )
    model = LlmModel.objects.create(
        name=offer.name,
        provider=provider,
        context_window=200_000,
        max_output_tokens=offer.max_output_tokens,
        capabilities={str(each): "yes" if offer.can(each) else "no" for each in Capability},
    )
    Price.objects.create(
        llm_model=model, effective_from=LONG_AGO, input_price=1_000_000, output_price=2_000_000
    )
    # Each its own: a refusal of one takes down what shares it.
    credential = create_credential(
        actor=SYSTEM, provider=provider, name=offer.name, secret=SECRET, tenant_id=tenant.id
    )
    Deployment.objects.create(
        tenant=tenant,
        name=offer.name,
        llm_model=model,
        upstream_model=offer.upstream_model,
        base_url=offer.base_url,
        credential=credential,
    )
