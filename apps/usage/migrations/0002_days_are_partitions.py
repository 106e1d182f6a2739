"""Both tables become partitioned by day, and the ledger append-only.

Partitions live in a schema of their own on which the serving roles have no rights: rows are reached
through the parent only, where row-level security stands.
"""

from django.db import migrations

LEDGER = "usage_ledgerentry"
REQUESTS = "usage_requestlog"
INDEXES = {
    LEDGER: {
        "ledger_newest_of_tenant": "tenant_id, at DESC",
        "ledger_of_key": "key_id, at",
    },
    REQUESTS: {
        "request_newest_of_tenant": "tenant_id, at DESC",
        "request_newest": "at DESC",
    },
}


def partitioned(table: str) -> list[str]:
    fresh = f"{table}_by_day"
    statements = [
        f"CREATE TABLE {fresh} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (day)",
        f"DROP TABLE {table}",
        f"ALTER TABLE {fresh} RENAME TO {table}",
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (id, day)",
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_tenant FOREIGN KEY (tenant_id) REFERENCES tenants_tenant (id) DEFERRABLE INITIALLY DEFERRED",
    ]
    statements += [
        f"CREATE INDEX {name} ON {table} ({columns})" for name, columns in INDEXES[table].items()
    ]
    return statements


ENSURE_PARTITION = f"""
CREATE FUNCTION usage_ensure_partition(wanted date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    parent text;
    child text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['{LEDGER}', '{REQUESTS}'] LOOP
        child := parent || to_char(wanted, '_YYYYMMDD');
        IF to_regclass('usage_partitions.' || child) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('usage_ensure_partition'));
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS usage_partitions.%I PARTITION OF public.%I'
                ' FOR VALUES FROM (%L) TO (%L)', child, parent, wanted, wanted + 1);
        END IF;
    END LOOP;
END $$
"""

APPEND_ONLY = f"""
CREATE FUNCTION usage_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON {LEDGER}
    FOR EACH ROW EXECUTE FUNCTION usage_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]

    operations = [
        migrations.RunSQL(
            ["CREATE SCHEMA usage_partitions", *partitioned(LEDGER), *partitioned(REQUESTS)],
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(ENSURE_PARTITION, "DROP FUNCTION IF EXISTS usage_ensure_partition(date)"),
        migrations.RunSQL(
            APPEND_ONLY,
            f"DROP TRIGGER IF EXISTS ledger_append_only ON {LEDGER};"
            " DROP FUNCTION IF EXISTS usage_refuse_change()",
        ),
    ]
