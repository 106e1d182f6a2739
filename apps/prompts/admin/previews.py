"""What a version says with sample values, for its author."""

from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import InvalidRequest
from apps.prompts.admin.wording import shown_messages
from apps.prompts.prompt_engine import render
from apps.prompts.prompt_manager import check_version
from apps.prompts.typed_values import NotReadable, to_value


def preview(
    *, slug: str, content: dict[str, Any], samples: list[dict[str, str]]
) -> list[dict[str, str]]:
    """Compile and render without saving; raises InvalidRequest naming what to correct."""
    prompt = check_version(slug=slug, **content)
    values = {sample["name"]: _read(sample) for sample in samples}
    given = {name: value for name, value in values.items() if value is not None}
    return shown_messages(render(prompt, given))


def _read(sample: dict[str, str]) -> Any:
    try:
        return to_value(sample["type"], sample["text"])
    except NotReadable as error:
        text = _("The sample of %(name)s is not a value of its type.") % {"name": sample["name"]}
        raise InvalidRequest(text, param=f"variables.{sample['name']}") from error
