"""Paths under /accounts/, beside django-allauth's own."""

from django.urls import path

from apps.accounts.views import choose_active_tenant

urlpatterns = [path("active-tenant/", choose_active_tenant, name="choose_active_tenant")]
