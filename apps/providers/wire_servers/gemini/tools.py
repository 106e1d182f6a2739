"""What Gemini demands of function declarations and of the choice between them."""

import re

from apps.providers.wire_servers.demands import demand
from apps.providers.wire_servers.exchange import Json
from apps.providers.wire_servers.gemini.schemas import check_schema, refuse_unknown

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")
KNOWN_TOOLS = (
    *("functionDeclarations", "googleSearchRetrieval", "codeExecution", "googleSearch"),
    *("urlContext", "computerUse", "fileSearch", "googleMaps", "mcpServers"),
)
KNOWN_DECLARATION = (
    *("name", "description", "parameters", "parametersJsonSchema", "response", "behavior"),
    "responseJsonSchema",
)


def check_tools(body: Json) -> None:
    """Refuse declarations that Gemini does not understand, and a choice of none of them."""
    names: list[str] = []
    for at, tool in enumerate(body.get("tools") or []):
        refuse_unknown(tool, KNOWN_TOOLS, f"tools[{at}]")
        for number, declaration in enumerate(tool.get("functionDeclarations") or []):
            _check_declaration(f"tools[{at}].function_declarations[{number}]", declaration)
            names.append(declaration["name"])
    demand(len(set(names)) == len(names), "Duplicate function declaration found.")
    choice = (body.get("toolConfig") or {}).get("functionCallingConfig")
    if choice is not None:
        _check_choice(choice, names)


def _check_declaration(place: str, declaration: Json) -> None:
    refuse_unknown(declaration, KNOWN_DECLARATION, place)
    demand(
        NAME.fullmatch(str(declaration.get("name", ""))),
        f"* GenerateContentRequest.{place}.name: Invalid function name. Must start with a letter or"
        " an underscore. Must be alphameric, underscores, dots, colons or dashes, at most 64.",
    )
    is_both = "parameters" in declaration and "parametersJsonSchema" in declaration
    demand(not is_both, f"{place}: parameters and parameters_json_schema cannot be set together")
    if "parameters" in declaration:
        check_schema(f"{place}.parameters", declaration["parameters"])


def _check_choice(choice: Json, names: list[str]) -> None:
    mode = choice.get("mode", "AUTO")
    demand(mode in MODES, f"Invalid value at 'tool_config.function_calling_config.mode': {mode}")
    demand(mode != "ANY" or names, "Function calling config is set without function declarations.")
    allowed = choice.get("allowedFunctionNames") or []
    demand(
        not allowed or mode in ("ANY", "VALIDATED"),
        "allowed_function_names should be set only when function calling mode is ANY.",
    )
    strange = sorted(set(allowed) - set(names))
    demand(not strange, f"allowed_function_names are not declared: {', '.join(strange)}")
