"""Where the product may look across tenants: file, how often, and why it must."""

ALLOWED: dict[str, tuple[int, str]] = {
    "apps/accounts/middleware.py": (1, "platform staff work on all tenants in the admin"),
    "apps/accounts/selectors.py": (1, "a person chooses among the tenants of their memberships"),
    "apps/api_keys/journal_keeper.py": (1, "journals of a killed worker hold events of any tenant"),
    "apps/api_keys/lookup.py": (
        1,
        "the key tells the tenant, so it is read before one is known",
    ),
    "apps/audit/chain.py": (1, "the chains of all tenants are verified in one walk"),
    "apps/conversations/stored_responses.py": (1, "old responses of any tenant are deleted"),
    "apps/jobs/sweep.py": (1, "jobs of any tenant that the broker forgot"),
    "apps/providers/management/commands/load_catalogue.py": (1, "the catalogue is the platform's"),
    "apps/routing/tasks.py": (1, "an emptied Redis lacks the snapshots of all tenants"),
    "apps/usage/tasks.py": (1, "partitions hold the days of all tenants"),
    "apps/usage/writer.py": (1, "one stream carries the events of all tenants"),
    "router_project/demo/site.py": (1, "the demo makes the tenants themselves"),
}
# Files that read a row past its manager, each for an object that was already found in a scope.
BASE_MANAGER_READERS: dict[str, str] = {
    "apps/audit/diff.py": "the row before its change, for an object that a scope has found",
}
