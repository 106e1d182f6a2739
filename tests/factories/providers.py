"""Providers, models, prices, credentials and deployments for tests; tenant None is the platform."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.credentials import create_credential
from apps.providers.models import Credential, Deployment, LlmModel, Price, Provider
from apps.tenants.models import Tenant

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SECRET = "sk-secret-of-a-provider-1234"

_numbers = count(1)


def make_provider(**fields: Any) -> Provider:
    """Create a provider; by default the built-in simulation speaks for it."""
    number = next(_numbers)
    values = {"slug": f"provider-{number}", "name": f"Provider {number}", "adapter": "simulated"}
    return Provider.objects.create(**{**values, **fields})


def make_model(
    name: str = "", *, prices: tuple[int, int] | None = (1_000_000, 2_000_000), **fields: Any
) -> LlmModel:
    """Create a model with the platform's (input, output) price of long ago; None: without one."""
    values: dict[str, Any] = {
        "name": name or f"model-{next(_numbers)}",
        "context_window": 100_000,
        "max_output_tokens": 4_096,
        "capabilities": {"streaming": "yes"},
    }
    provider = fields.pop("provider", None) or make_provider()
    model = LlmModel.objects.create(**{**values, "provider": provider, **fields})
    if prices is not None:
        make_price(model, prices)
    return model


def make_price(
    model: LlmModel, prices: tuple[int, int], tenant: Tenant | None = None, **fields: Any
) -> Price:
    """Create a dated price; cached and write prices are unknown unless given."""
    values = {"input_price": prices[0], "output_price": prices[1], "effective_from": LONG_AGO}
    with all_tenants("tests"):
        price: Price = Price.objects.create(
            **{"llm_model": model, "tenant": tenant, **values, **fields}
        )
    return price


def make_credential(
    provider: Provider | None = None, *, tenant: Tenant | None = None, secret: str = SECRET
) -> Credential:
    """Create a sealed credential."""
    with all_tenants("tests"):
        return create_credential(
            actor=SYSTEM,
            provider=provider or make_provider(),
            name=f"credential-{next(_numbers)}",
            secret=secret,
            tenant_id=tenant.id if tenant else None,
        )


def make_deployment(
    model: LlmModel | None = None, *, tenant: Tenant | None = None, **fields: Any
) -> Deployment:
    """Create a deployment, and a priced model of the simulation when none is given."""
    values = {"name": f"deployment-{next(_numbers)}", "llm_model": model or make_model()}
    with all_tenants("tests"):
        deployment: Deployment = Deployment.objects.create(**{**values, "tenant": tenant, **fields})
    return deployment
