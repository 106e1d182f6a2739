"""Writes of the catalogue: provider keys of the environment become credentials and deployments."""

from collections.abc import Mapping
from pathlib import Path

from django.utils.translation import gettext as _

from apps.audit.services import record_change
from apps.audit.types import SYSTEM, Actor
from apps.core.crypto import DecryptionFailed
from apps.core.errors import InvalidRequest
from apps.providers.adapters.registry import WIRES
from apps.providers.credentials import (
    clean_secret,
    create_credential,
    open_secret,
    rotate_credential,
)
from apps.providers.deployments import deployment_faults
from apps.providers.enums import Lifecycle
from apps.providers.models import Credential, Deployment, LlmModel, Provider

ENVIRONMENT_CREDENTIAL = "environment"


def connect_provider_keys_from_environment(environ: Mapping[str, str]) -> list[str]:
    """Store the provider keys of the environment; returns the providers that were changed.

    Creates or rotates the platform's credential "environment" of each provider and adds a
    deployment for each active model that has none with it. Doing it again changes nothing. The
    names are the vendors' own; each may also be given as *_FILE. Runs under all_tenants.
    """
    changed = []
    for slug, wire in WIRES.items():
        secret = _read_secret(environ, wire.key_names)
        provider = Provider.objects.filter(slug=slug).first() if secret else None
        if provider is not None and _connect(provider, secret):
            changed.append(slug)
    return changed


def create_deployment(
    *, actor: Actor, llm_model: LlmModel, name: str, credential: Credential | None
) -> Deployment:
    """Add a deployment for the credential's owner (the platform when there is none); audited."""
    faults = deployment_faults(
        llm_model=llm_model, credential=credential, base_url="", simulation=None
    )
    if faults:
        param, message = next(iter(faults.items()))
        raise InvalidRequest(message, param=param)
    deployment: Deployment = Deployment.objects.create(
        name=name,
        llm_model=llm_model,
        credential=credential,
        tenant_id=credential.tenant_id if credential else None,
    )
    changes = {"name": name, "llm_model": llm_model.name}
    record_change(
        actor=actor, action="providers.deployment_created", obj=deployment, changes=changes
    )
    return deployment


def _connect(provider: Provider, secret: str) -> bool:
    credential = Credential.objects.filter(
        tenant=None, provider=provider, name=ENVIRONMENT_CREDENTIAL
    ).first()
    is_changed = True
    if credential is None:
        credential = create_credential(
            actor=SYSTEM,
            provider=provider,
            name=ENVIRONMENT_CREDENTIAL,
            secret=secret,
            tenant_id=None,
        )
    elif not _holds(credential, secret):
        rotate_credential(actor=SYSTEM, credential=credential, secret=secret)
    else:
        is_changed = False
    return _add_deployments(credential) or is_changed


def _add_deployments(credential: Credential) -> bool:
    provider = credential.provider
    served = set(credential.deployments.values_list("llm_model_id", flat=True))
    models = LlmModel.objects.filter(provider=provider, lifecycle=Lifecycle.ACTIVE)
    missing = [model for model in models if model.id not in served]
    taken = set(
        Deployment.objects.filter(
            tenant=None, name__in=[model.name for model in missing]
        ).values_list("name", flat=True)
    )
    for model in missing:
        name = f"{model.name} ({ENVIRONMENT_CREDENTIAL})" if model.name in taken else model.name
        create_deployment(actor=SYSTEM, llm_model=model, name=name, credential=credential)
    return bool(missing)


def _holds(credential: Credential, secret: str) -> bool:
    try:
        return open_secret(credential) == secret
    except DecryptionFailed:
        # Its key is gone: the environment gives us the secret again.
        return False


def _read_secret(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    for name in names:
        given = environ.get(name, "").strip()
        path = environ.get(f"{name}_FILE", "").strip()
        if not given and path:
            given = _read_file(name, path)
        if given:
            return clean_secret(given)
    return ""


def _read_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        text = _("%(name)s_FILE names a file that cannot be read.") % {"name": name}
        raise InvalidRequest(text, param=f"{name}_FILE") from error
