"""The data base itself refuses to change a saved prompt version."""

from django.db import migrations

CREATE = """
CREATE FUNCTION prompts_refuse_version_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'prompt version % is immutable: create a new version', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER prompts_version_is_immutable BEFORE UPDATE ON prompts_promptversion
    FOR EACH ROW EXECUTE FUNCTION prompts_refuse_version_change();
"""
DROP = """
DROP TRIGGER prompts_version_is_immutable ON prompts_promptversion;
DROP FUNCTION prompts_refuse_version_change();
"""


class Migration(migrations.Migration):
    dependencies = [("prompts", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, DROP)]
