"""Route Manager: validates a draft, publishes it to every worker, rolls back to a release."""

import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.core.clock import monotonic_seconds
from apps.core.errors import InvalidRequest, ServiceUnavailable
from apps.routing.documents import (
    Document,
    has_document,
    owner_of,
    publish_document,
    published_version,
    worker_acks,
)
from apps.routing.enums import ReleaseState
from apps.routing.models import Release
from apps.routing.snapshot import build_connections, build_records
from apps.routing.types import Problem, Publication
from apps.routing.validation import field_label, find_faults, find_problems

ACKNOWLEDGE_SECONDS = 1.0
POLL_SECONDS = 0.01
# A worker that was silent for longer is not waited for.
WORKER_ALIVE_MS = 3_000
LOCK_SPACE = 7_201
LONGEST_COMMENT = 300
# What people write; the rest of a release is the catalogue's and the platform's to say.
RESTORED = ("rules", "aliases", "prompts", "calendars")


def validate(tenant_id: UUID | None) -> list[Problem]:
    """Return errors and warnings of the draft of a tenant (None: of the platform)."""
    return find_problems(build_records(tenant_id), tenant_id)


def publish(*, tenant_id: UUID | None, actor: Actor, comment: str = "") -> Publication:
    """Make the draft live; raises InvalidRequest listing all errors, or ServiceUnavailable."""
    _lock(tenant_id)
    records = build_records(tenant_id)
    _refuse_errors(find_problems(records, tenant_id))
    return _release(tenant_id, records, actor=actor, action="routing.published", comment=comment)


def roll_back(*, release: Release, actor: Actor, reason: str = "") -> Publication:
    """Publish the rules of an earlier release again, as a new version (see `records_to_restore`).

    Raises InvalidRequest when this version of the code cannot run them.
    """
    _lock(release.tenant_id)
    records = records_to_restore(release)
    _refuse_errors(find_faults(records))
    comment = _("Back to version %(version)s. %(reason)s") % {
        "version": release.version,
        "reason": reason,
    }
    return _release(
        release.tenant_id,
        records,
        actor=actor,
        action="routing.rolled_back",
        comment=comment.strip(),
    )


def republish(*, tenant_id: UUID | None, actor: Actor, comment: str) -> Publication | None:
    """Publish the live rules again with today's catalogue; None when nothing is live."""
    _lock(tenant_id)
    live = live_release(tenant_id)
    if live is None:
        return None
    return _release(
        tenant_id,
        records_to_restore(live),
        actor=actor,
        action="routing.republished",
        comment=comment,
    )


def records_to_restore(release: Release) -> dict[str, Any]:
    """Return the release's rules, aliases, prompts and calendars with all else as it is today.

    What was withdrawn since (a grant, a credential, a price) must not come back with old rules.
    """
    kept = {name: release.snapshot[name] for name in RESTORED if name in release.snapshot}
    return {**build_records(release.tenant_id), **kept}


def live_release(tenant_id: UUID | None) -> Release | None:
    """Return what runs for a tenant (None: for the platform)."""
    rows = Release.objects.filter(tenant_id=tenant_id, state=ReleaseState.LIVE)
    release: Release | None = rows.order_by("-version").first()
    return release


def has_unpublished_changes(tenant_id: UUID | None) -> bool:
    """Say whether a publish now would change what runs."""
    live = live_release(tenant_id)
    return live is None or live.snapshot != build_records(tenant_id)


def restore(tenant_id: UUID | None) -> bool:
    """Put the live release back into a Redis that has lost it; says whether it had to."""
    live = live_release(tenant_id)
    owner = owner_of(tenant_id)
    if live is None or (has_document(owner) and published_version(owner) >= live.version):
        return False
    publish_document(_document(live))
    return True


def _lock(tenant_id: UUID | None) -> None:
    """Two publishers of one owner must not take the same version."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_SPACE, owner_of(tenant_id)]
        )


def _release(
    tenant_id: UUID | None, records: dict[str, Any], *, actor: Actor, action: str, comment: str
) -> Publication:
    owner = owner_of(tenant_id)
    try:
        # A savepoint: whoever tells people of the failure must not keep the half that was written.
        with transaction.atomic():
            release = _write(tenant_id, records, actor=actor, action=action, comment=comment)
            publish_document(_document(release))
    except RedisError as error:
        raise ServiceUnavailable(_("Redis is away: nothing was published.")) from error
    return _await_workers(owner, release.version)


def _write(
    tenant_id: UUID | None, records: dict[str, Any], *, actor: Actor, action: str, comment: str
) -> Release:
    releases = Release.objects.filter(tenant_id=tenant_id)
    newest = releases.aggregate(newest=Max("version"))["newest"] or 0
    # A publish whose transaction failed after Redis knew of it has used up its version.
    version = max(newest, published_version(owner_of(tenant_id))) + 1
    releases.filter(state=ReleaseState.LIVE).update(state=ReleaseState.SUPERSEDED)
    release: Release = Release.objects.create(
        tenant_id=tenant_id,
        version=version,
        snapshot=records,
        comment=comment[:LONGEST_COMMENT],
        published_by=actor.label,
    )
    changes = {"version": [newest, version], "comment": comment}
    record_change(actor=actor, action=action, obj=release, changes=changes)
    return release


def _refuse_errors(problems: Iterable[Problem]) -> None:
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidRequest(
            _("The draft has errors: %(list)s")
            % {"list": "; ".join(_told(error) for error in errors)},
            param=errors[0].field,
            details={"problems": [[e.subject, e.field, e.message] for e in errors]},
        )


def _told(problem: Problem) -> str:
    field = field_label(problem.field)
    return f"{problem.subject}, {field}: {problem.message}" if field else problem.message


def _document(release: Release) -> Document:
    return Document(
        owner_of(release.tenant_id),
        release.version,
        release.snapshot,
        build_connections(release.tenant_id),
    )


def _await_workers(owner: str, version: int) -> Publication:
    """Wait until every registered worker has the version, one second at most."""
    begun = monotonic_seconds()
    while True:
        acks = _acks(owner)
        late = tuple(worker for worker, seen in acks.items() if seen < version)
        elapsed = monotonic_seconds() - begun
        if not late or elapsed >= ACKNOWLEDGE_SECONDS:
            done = tuple(worker for worker in acks if worker not in late)
            return Publication(version, done, late, round(elapsed * 1000))
        time.sleep(POLL_SECONDS)


def _acks(owner: str) -> dict[str, int]:
    """Return what workers have; nobody is known while Redis, which has the document, is away."""
    try:
        return worker_acks(owner, WORKER_ALIVE_MS)
    except RedisError:
        return {}
