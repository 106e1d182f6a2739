"""A change of a tenant or a project reaches the copies of its keys."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from apps.api_keys.models import ApiKey
from apps.api_keys.services import forget_keys, forget_keys_of
from apps.tenants.models import Project, Tenant


@receiver(post_save, sender=Tenant)
def forget_keys_of_tenant(instance: Tenant, created: bool, **_: Any) -> None:
    if not created:
        forget_keys_of(tenant_id=instance.id)


@receiver(post_save, sender=Project)
def forget_keys_of_project(instance: Project, created: bool, **_: Any) -> None:
    if not created:
        forget_keys_of(project_id=instance.id)


@receiver(post_save, sender=ApiKey)
def forget_key(instance: ApiKey, **_: Any) -> None:
    forget_keys([instance.lookup])
