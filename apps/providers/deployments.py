"""What makes a deployment usable: checked wherever one is saved, in the admin and over the API."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import InvalidRequest
from apps.core.outbound import check_destination
from apps.providers.adapters.simulated.knobs import faults_of
from apps.providers.models import Credential, LlmModel

type Faults = dict[str, str]


def deployment_faults(
    *,
    llm_model: LlmModel | None,
    credential: Credential | None,
    base_url: str,
    simulation: Any,
) -> Faults:
    """Return what is wrong by field; empty when the deployment may be saved."""
    faults: Faults = {}
    if credential and llm_model and credential.provider_id != llm_model.provider_id:
        faults["credential"] = _("This credential belongs to another provider than the model.")
    if base_url and (fault := address_fault(base_url)):
        faults["base_url"] = fault
    if simulation and not isinstance(simulation, Mapping):
        faults["simulation"] = _("Enter names and whole numbers.")
    elif simulation and (wrong := faults_of(simulation)):
        faults["simulation"] = "; ".join(wrong)
    return faults


def address_fault(base_url: str) -> str:
    """Return why an address is refused, "" when it is not."""
    try:
        check_destination(base_url, param="base_url")
    except InvalidRequest as error:
        return error.message
    return ""
