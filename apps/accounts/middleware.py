"""What a signed-in person's request gets: a language, a second factor, and a tenant's scope."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any
from uuid import UUID

from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils import translation

from apps.accounts.active_tenant import ALL_TENANTS, chosen_tenant, remember_tenant
from apps.accounts.models import User
from apps.accounts.selectors import roles_in_scope, tenants_of
from apps.audit.requests import run_in_scope
from apps.core.scoping import all_tenants, tenant_scope
from apps.tenants.models import Tenant

type GetResponse = Callable[[HttpRequest], Any]

# Pages about the person, not about a tenant; and what probes and browsers fetch.
SCOPELESS_PREFIXES = ("/accounts/", "/i18n/", "/static/", "/livez", "/readyz")
SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
SPOOL_IN_MEMORY_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024


def without_scope[View: Callable[..., Any]](view: View) -> View:
    """Mark a view that makes its own scope, because it waits long or streams for long."""
    setattr(view, "runs_without_scope", True)  # noqa: B010
    return view


class UserLanguageMiddleware:
    """The language of the person's profile wins; choosing another one changes the profile."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        user = request.user
        if not isinstance(user, User) or request.path_info.startswith(SCOPELESS_PREFIXES[2:]):
            return self.get_response(request)
        if user.language:
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        chosen = response.cookies.get(settings.LANGUAGE_COOKIE_NAME)
        if chosen and chosen.value != user.language:
            User.objects.filter(pk=user.pk).update(language=chosen.value)
        return response


class SecondFactorMiddleware:
    """Where a second factor is required, nothing opens before it is set up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        person = _person_at_work(request) if settings.MFA_REQUIRED else None
        if person and not get_mfa_adapter().is_mfa_enabled(person, SECOND_FACTORS):
            return HttpResponseRedirect(reverse("mfa_activate_totp"))
        return self.get_response(request)


class ScopeMiddleware:
    """Runs a person's request in one transaction that sees the active tenant's rows only.

    Platform staff see one tenant, or all. An answer of 400 or more rolls everything back. Streamed
    answers are written to a temporary file first, so that no slow reader keeps a transaction open.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        set_active_tenant(request, None)
        person = _person_at_work(request)
        if person is None or _makes_its_own_scope(request):
            return self.get_response(request)
        serve = self._serve_staff if person.is_superuser else self._serve_member
        return serve(request, person)

    def _serve_staff(self, request: HttpRequest, person: User) -> Any:
        tenant_id = chosen_tenant(request)
        if tenant_id is not None:
            try:
                return run_in_scope(tenant_scope(tenant_id), lambda: self._enter(request, person))
            except Tenant.DoesNotExist:
                remember_tenant(request, ALL_TENANTS)
        return run_in_scope(all_tenants("platform staff"), lambda: self._serve(request))

    def _serve_member(self, request: HttpRequest, person: User) -> Any:
        for tenant_id in _possible_tenants(request, person):
            try:
                return run_in_scope(tenant_scope(tenant_id), lambda: self._enter(request, person))
            except Tenant.DoesNotExist:
                continue
        return render(request, "account/no_tenant.html", status=403)

    def _enter(self, request: HttpRequest, person: User) -> Any:
        """Serve in the tenant in scope; raises Tenant.DoesNotExist when it is not the user's."""
        if not person.is_superuser and not roles_in_scope(person):
            raise Tenant.DoesNotExist
        set_active_tenant(request, Tenant.objects.get())
        return self._serve(request)

    def _serve(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        if getattr(response, "streaming", False) and not response.is_async:
            spool = _spool(response.streaming_content)
            read = _read_without_blocking if isinstance(request, ASGIRequest) else _read
            response.streaming_content = read(spool)
        return response


def set_active_tenant(request: HttpRequest, tenant: Tenant | None) -> None:
    """Tell views and templates which tenant the request works in; None: all, or none."""
    setattr(request, "active_tenant", tenant)  # noqa: B010


def _person_at_work(request: HttpRequest) -> User | None:
    """Return who is signed in, unless the page is about the account itself."""
    if request.path_info.startswith(SCOPELESS_PREFIXES) or not isinstance(request.user, User):
        return None
    return request.user


def _makes_its_own_scope(request: HttpRequest) -> bool:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    return bool(getattr(view, "runs_without_scope", False))


def _possible_tenants(request: HttpRequest, person: User) -> Iterator[UUID]:
    """Yield the session's tenant, and when that failed the first one of the user's."""
    chosen = chosen_tenant(request)
    if chosen is not None:
        yield chosen
    tenants = tenants_of(person)
    if tenants:
        remember_tenant(request, str(tenants[0].pk))
        yield tenants[0].pk


def _spool(chunks: Iterator[bytes]) -> SpooledTemporaryFile[bytes]:
    spool = SpooledTemporaryFile(SPOOL_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by its reader
    for chunk in chunks:
        spool.write(chunk)
    spool.seek(0)
    return spool


def _read(spool: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with spool:
        while chunk := spool.read(CHUNK_BYTES):
            yield chunk


async def _read_without_blocking(spool: SpooledTemporaryFile[bytes]) -> AsyncIterator[bytes]:
    with spool:
        while chunk := await to_thread(spool.read, CHUNK_BYTES):
            yield chunk
