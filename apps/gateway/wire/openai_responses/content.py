"""Content parts of the Responses API as neutral parts. Pure.

Source of the format: OpenAI's API reference, "Responses" (create, input).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.core.chat import Audio, File, Image, Text
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import mapping
from apps.gateway.wire.media import http_address, required_text, split_data_url

type Content = Text | Image | Audio | File
type ReadContent = Callable[[Mapping[str, Any], str], Content]


def read_content(content: Any, at: str) -> Iterator[Content]:
    """Read a text or a list of parts; raises InvalidRequest naming the part."""
    if isinstance(content, str):
        yield Text(content)
    elif isinstance(content, list):
        for index, part in enumerate(content):
            yield _part(part, f"{at}[{index}]")
    else:
        raise InvalidRequest("content is a text or a list of parts", param=at)


def _part(part: Any, at: str) -> Content:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise InvalidRequest("a part is an object with a type", param=at)
    read = PART_READERS.get(part["type"])
    if read is None:
        known = ", ".join(PART_READERS)
        raise InvalidRequest(
            f"a part of this type is unknown; known are {known}", param=f"{at}.type"
        )
    return read(part, at)


def _text(part: Mapping[str, Any], at: str) -> Text:
    return Text(required_text(part, "text", at))


def _refusal(part: Mapping[str, Any], at: str) -> Text:
    return Text(required_text(part, "refusal", at))


def _image(part: Mapping[str, Any], at: str) -> Image:
    if part.get("file_id"):
        raise InvalidRequest("give the image itself as image_url", param=f"{at}.file_id")
    url = required_text(part, "image_url", at)
    media_type, data = split_data_url(url)
    if data:
        return Image(data=data, media_type=media_type)
    return Image(url=http_address(url, f"{at}.image_url"))


def _audio(part: Mapping[str, Any], at: str) -> Audio:
    sound, place = mapping(part, "input_audio"), f"{at}.input_audio"
    return Audio(required_text(sound, "data", place), required_text(sound, "format", place))


def _file(part: Mapping[str, Any], at: str) -> File:
    name = str(part.get("filename") or "")
    if part.get("file_id"):
        return File(file_id=required_text(part, "file_id", at), name=name)
    field = "file_data" if part.get("file_data") else "file_url"
    content = required_text(part, field, at)
    media_type, data = split_data_url(content)
    if data:
        return File(data=data, media_type=media_type, name=name)
    return File(url=http_address(content, f"{at}.{field}"), name=name)


PART_READERS: Mapping[str, ReadContent] = {
    "input_text": _text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
    "output_text": _text,
    "refusal": _refusal,
}
