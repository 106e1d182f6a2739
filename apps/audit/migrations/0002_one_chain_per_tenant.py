"""One chain per tenant; the data base refuses to change the trail and hides the platform's part."""

from django.db import migrations, models

REFUSE = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: entry % stays as it is', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_entry_is_immutable BEFORE UPDATE OR DELETE ON audit_auditentry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
"""
ALLOW = """
DROP TRIGGER audit_entry_is_immutable ON audit_auditentry;
DROP FUNCTION audit_refuse_change();
"""

# Everywhere else a row without a tenant is for all to read. Here it is what platform staff did.
HIDE = """
CREATE POLICY own_chain_only ON audit_auditentry AS RESTRICTIVE FOR SELECT USING (
    current_user = 'llm_router_platform'
    OR tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid
);
"""
SHOW = "DROP POLICY own_chain_only ON audit_auditentry;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="auditentry",
            options={
                "ordering": ("-at", "-sequence"),
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
            },
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="sequence",
            field=models.BigIntegerField(verbose_name="sequence"),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.UniqueConstraint(
                fields=("tenant_id", "sequence"), name="audit_sequence", nulls_distinct=False
            ),
        ),
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunSQL(HIDE, SHOW),
    ]
