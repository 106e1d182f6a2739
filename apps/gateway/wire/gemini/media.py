"""Images, sounds and files of Gemini parts in the neutral form. Pure.

Source of the format: ai.google.dev/api/caching#Part (`Blob`, `FileData`).
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from apps.core.chat import Audio, File, Image, Text
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import mapping
from apps.gateway.wire.gemini.signatures import standard_base64
from apps.gateway.wire.gemini.spelling import camelled

AUDIO_FORMATS: Mapping[str, str] = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
# Files that were uploaded to Google, and videos that only Google fetches.
GOOGLE_HOSTS = ("generativelanguage.googleapis.com", "youtube.com", "youtu.be")

type Media = Text | Image | Audio | File


def need_of(media_type: str) -> str:
    """Return the capability that a kind of media calls for; "" for text."""
    kind = media_type.partition("/")[0].lower()
    return {"image": "vision", "audio": "audio", "text": ""}.get(kind, "files")


def read_inline(part: Mapping[str, Any], at: str) -> Media:
    """Read `inlineData`; text in base64 becomes text."""
    blob = camelled(mapping(part, "inlineData"))
    media_type = _media_type(blob, f"{at}.inlineData")
    data = blob.get("data")
    if not isinstance(data, str):
        raise InvalidRequest("data is base64 in a text", param=f"{at}.inlineData.data")
    data = standard_base64(data)
    kind, _, detail = media_type.partition("/")
    if kind == "image":
        return Image(data=data, media_type=media_type)
    if kind == "audio":
        return Audio(data, AUDIO_FORMATS.get(detail, detail))
    if kind == "text":
        return Text(_decoded(data, f"{at}.inlineData.data"))
    return File(data=data, media_type=media_type, name=_name(blob))


def read_file(part: Mapping[str, Any], at: str) -> Media:
    """Read `fileData`, which holds an address."""
    given = camelled(mapping(part, "fileData"))
    url, place = given.get("fileUri"), f"{at}.fileData"
    if not isinstance(url, str) or not _is_public(url):
        raise InvalidRequest("only Google's models can read this file", param=f"{place}.fileUri")
    media_type = _media_type(given, place) if given.get("mimeType") else ""
    if media_type.startswith("image/"):
        return Image(url=url)
    if media_type.startswith("audio/"):
        raise InvalidRequest("sound is sent as inlineData", param=f"{place}.fileUri")
    return File(url=url, media_type=media_type, name=_name(given))


def _media_type(given: Mapping[str, Any], at: str) -> str:
    value = given.get("mimeType")
    if not isinstance(value, str) or "/" not in value:
        raise InvalidRequest("mimeType is a media type as image/png", param=f"{at}.mimeType")
    media_type = value.partition(";")[0].strip().lower()
    if media_type.startswith("video/"):
        raise InvalidRequest("only Google's models can see videos", param=f"{at}.mimeType")
    return media_type


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    is_google = any(host == name or host.endswith(f".{name}") for name in GOOGLE_HOSTS)
    return parts.scheme in ("http", "https") and not is_google


def _decoded(data: str, at: str) -> str:
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except ValueError as error:
        raise InvalidRequest(f"data is not base64: {error}", param=at) from error


def _name(given: Mapping[str, Any]) -> str:
    name = given.get("displayName")
    return name if isinstance(name, str) else ""
