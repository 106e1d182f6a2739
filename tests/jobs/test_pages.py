"""`jobs/` over HTTP and in the admin: submitted with keys, watched and cancelled by owners."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.api_keys.services import CreatedKey
from apps.audit.models import AuditEntry
from apps.core.scoping import all_tenants, tenant_scope
from apps.jobs import runner
from apps.jobs.models import Job
from apps.jobs.webhook_secrets import PREFIX, secret_of
from apps.tenants.models import Project
from tests.factories.keys import make_key
from tests.factories.people import make_member, make_project, make_user
from tests.jobs.submitted import MESSAGES, change, make_job, reread

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/jobs/"
SECRET = "/api/v1/webhook-secret/"
LIST = "/admin/jobs/job/"
BODY = {"model": "sim-small", "messages": MESSAGES}


def with_key(key: CreatedKey) -> Client:
    return Client(headers={"authorization": f"Bearer {key.clear}"})


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(path, body or {}, content_type="application/json", headers=headers)


def actions(project: Project) -> list[str]:
    with tenant_scope(project.tenant_id):
        return list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))


def test_api__submitted_run_and_fetched__gives_the_answer(key: CreatedKey) -> None:
    client = with_key(key)
    made = post(client, API, BODY)
    assert made.status_code == 202, made.content
    told = made.json()
    assert (told["status"], told["model"], told["error"]) == ("queued", "sim-small", None)
    assert told["id"].startswith("job_")
    assert made["Location"].endswith(f"{API}{told['id']}/")
    with all_tenants("tests"):
        job = Job.objects.get()
    runner.run(job.tenant_id, job.pk)
    read = client.get(made["Location"]).json()
    assert read["status"] == "succeeded"
    assert read["result"]["message"]["content"]
    assert read["request_id"] == read["result"]["id"]
    listed = client.get(API).json()["results"]
    assert [row["id"] for row in listed] == [told["id"]]
    assert "result" not in listed[0]
    assert client.get(f"{API}?status=queued").json()["count"] == 0
    assert "jobs.content_viewed" not in actions(key.row.project)


def test_api__addresses_without_a_slash__submit_and_read_as_well(key: CreatedKey) -> None:
    client = with_key(key)
    made = post(client, API.rstrip("/"), BODY)
    told = made.json()
    assert made["Location"].endswith(f"{API}{told['id']}/")
    assert client.get(f"{API}{told['id']}").json()["id"] == told["id"]


def test_api__same_idempotency_key__returns_the_same_job(key: CreatedKey) -> None:
    client = with_key(key)
    first = post(client, API, BODY, idempotency_key="order-1")
    again = post(client, API, BODY, idempotency_key="order-1")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    other = post(client, API, {**BODY, "temperature": 1}, idempotency_key="order-1")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")


def test_api__tags_of_the_header__travel_with_the_request(key: CreatedKey) -> None:
    headers = {"x-router-tags": "premium, beta"}
    made = with_key(key).post(API, BODY, content_type="application/json", headers=headers)
    assert made.status_code == 202
    with all_tenants("tests"):
        job = Job.objects.get()
    read = make_job(key.row, tags=["premium", "beta"])
    assert job.request_digest == read.request_digest


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({**BODY, "stream": True}, 400, "stream"),
        ({**BODY, "tags": 3}, 400, "tags"),
        ({**BODY, "webhook_url": 3}, 400, "webhook_url"),
        ({**BODY, "webhook_url": "file:///etc/passwd"}, 400, "webhook_url"),
        ([1], 400, None),
    ],
)
def test_api__wrong_body__is_refused_by_name(
    key: CreatedKey, body: Any, status: int, param: str | None
) -> None:
    answer = post(with_key(key), API, body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_api__project_that_stores_no_content__is_a_conflict_with_its_code(key: CreatedKey) -> None:
    with all_tenants("tests"):
        Project.objects.update(store_content=False)
    answer = post(with_key(key), API, BODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "content_storage_off")


def test_api__cancelled__says_so_and_a_second_time_is_a_conflict(key: CreatedKey) -> None:
    client = with_key(key)
    path = f"{API}{make_job(key.row)}/"
    assert post(client, f"{path}cancel/").json()["status"] == "cancelled"
    assert post(client, f"{path}cancel/").status_code == 409
    assert actions(key.row.project)[-1] == "jobs.cancelled"


def test_api__key_of_another_project_or_tenant__finds_nothing(key: CreatedKey) -> None:
    job = make_job(key.row)
    neighbour = make_key(make_project(key.row.project.tenant, store_content=True))
    for other in (neighbour, make_key()):
        client = with_key(other)
        assert client.get(API).json()["count"] == 0
        assert client.get(f"{API}{job}/").status_code == 404
        assert post(client, f"{API}{job}/cancel/").status_code == 404
    assert reread(job.pk).status == "queued"


def test_api__key_without_the_scope__is_refused(project: Project) -> None:
    client = with_key(make_key(project, scopes=["run", "manage"]))
    assert client.get(API).status_code == 403
    assert post(client, API, BODY).status_code == 403


@pytest.mark.parametrize("text", ["x", "job_1", "conv_" + "0" * 32])
def test_api__what_is_no_id__is_not_found(key: CreatedKey, text: str) -> None:
    assert with_key(key).get(f"{API}{text}/").status_code == 404


def test_api__owner_with_a_session__reads_and_cancels_but_does_not_submit(
    client: Client, key: CreatedKey
) -> None:
    job = make_job(key.row)
    client.force_login(make_member(key.row.project.tenant))
    assert client.get(f"{API}{job}/").json()["status"] == "queued"
    assert actions(key.row.project)[-1] == "jobs.content_viewed"
    assert post(client, API, BODY).status_code == 403
    assert post(client, f"{API}{job}/cancel/").json()["status"] == "cancelled"


def test_webhook_secret__key_that_manages__gets_it_once(project: Project) -> None:
    client = with_key(make_key(project, scopes=["manage"]))
    assert client.get(SECRET).json() == {"created_at": None, "rotated_at": None}
    first = post(client, SECRET).json()
    assert first["secret"].startswith(PREFIX)
    assert "secret" not in client.get(SECRET).json()
    second = post(client, SECRET).json()
    assert second["secret"] != first["secret"]
    assert second["rotated_at"]
    with tenant_scope(project.tenant_id):
        assert secret_of(project.tenant_id) == second["secret"]


def test_webhook_secret__others__are_refused(client: Client, project: Project) -> None:
    assert post(with_key(make_key(project, scopes=["run", "jobs"])), SECRET).status_code == 403
    client.force_login(make_member(project.tenant, Role.RULE_EDITOR))
    assert post(client, SECRET).status_code == 403


def test_admin__owner__finds_jobs_by_id_and_state_without_content(
    client: Client, key: CreatedKey
) -> None:
    waiting, failed = make_job(key.row), make_job(key.row, model="nobody")
    runner.run(failed.tenant_id, failed.pk)
    client.force_login(make_member(key.row.project.tenant))
    page = client.get(LIST).content.decode()
    assert str(waiting) in page
    assert "model_not_found" in page
    found = client.get(LIST, {"q": str(failed)}).content.decode()
    assert str(waiting) not in found
    assert str(waiting) not in client.get(LIST, {"status__exact": "failed"}).content.decode()
    page = client.get(f"{LIST}{waiting.pk}/change/").content.decode()
    assert str(waiting) in page
    assert "blue" not in page.replace("-blue", "")
    assert "Queued" in page
    assert "(&#x27;" not in page


def test_admin__empty_list__says_what_jobs_are(client: Client, project: Project) -> None:
    client.force_login(make_member(project.tenant))
    assert "POST /api/v1/jobs/" in client.get(LIST).content.decode()


def test_admin__content__is_for_owners_and_each_look_is_in_the_trail(
    client: Client, key: CreatedKey
) -> None:
    job = make_job(key.row)
    path = f"{LIST}{job.pk}/content/"
    client.force_login(make_member(key.row.project.tenant))
    assert "What is blue?" in client.get(path).content.decode()
    assert actions(key.row.project)[-1] == "jobs.content_viewed"
    client.force_login(make_member())
    assert client.get(path).status_code == 404
    client.force_login(make_user(is_superuser=True))
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST])
def test_admin__other_roles__see_and_stop_nothing(
    client: Client, key: CreatedKey, role: str
) -> None:
    job = make_job(key.row)
    client.force_login(make_member(key.row.project.tenant, role))
    for path in (LIST, f"{LIST}{job.pk}/content/", f"{LIST}webhook-secret/"):
        assert client.get(path).status_code == 403
    assert client.post(f"{LIST}cancel/?id={job.pk}").status_code == 403
    assert client.get(f"{API}{job}/").status_code == 403
    assert post(client, f"{API}{job}/cancel/").status_code == 403
    assert reread(job.pk).status == "queued"


def test_admin__cancel__is_confirmed_and_leaves_running_jobs_alone(
    client: Client, key: CreatedKey
) -> None:
    waiting, running = make_job(key.row), make_job(key.row)
    change(running, status="running")
    client.force_login(make_member(key.row.project.tenant))
    ids = [str(waiting.pk), str(running.pk)]
    asked: Any = client.post(LIST, {"action": "cancel_selected", "_selected_action": ids})
    page = client.get(asked.url).content.decode()
    assert str(waiting) in page
    assert str(running) not in page
    assert reread(waiting.pk).status == "queued"
    told = client.post(asked.url, {"comment": "not needed"}, follow=True).content.decode()
    assert "1 job was cancelled" in told
    assert (reread(waiting.pk).status, reread(running.pk).status) == ("cancelled", "running")
    assert actions(key.row.project)[-1] == "jobs.cancelled"
    one = client.get(f"{LIST}{running.pk}/cancel-one", follow=True).content.decode()
    assert "waits any more" in one


def test_admin__webhook_secret__is_shown_once(client: Client, project: Project) -> None:
    client.force_login(make_member(project.tenant))
    path = f"{LIST}webhook-secret/"
    assert PREFIX not in client.get(path).content.decode()
    shown = client.post(path)
    with tenant_scope(project.tenant_id):
        assert secret_of(project.tenant_id) in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert PREFIX not in client.get(path).content.decode()


def test_admin__platform_staff_with_all_tenants__choose_one_first(
    client: Client, project: Project
) -> None:
    client.force_login(make_user(is_superuser=True))
    assert client.get(LIST).status_code == 200
    assert "Choose a tenant first" in client.post(f"{LIST}webhook-secret/").content.decode()
    assert client.get(f"{LIST}add/").status_code == 403
