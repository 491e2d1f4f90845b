"""What a shape alone cannot say of a profile's fields; each is refused with its pointer."""

from msgspec import UNSET, UnsetType

from gameroom.errors import ValidationFailed
from gameroom.identity.profile import is_web_url
from gameroom.protocol.codec import encode
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.free_json import NotFreeJson, check_free_json
from gameroom.protocol.limits import MAX_FIELD_DEPTH, USER_METADATA_BYTES
from gameroom.protocol.names import fault_of_name


def check_display_name(name: str | UnsetType | None) -> None:
    """Raises `ValidationFailed` for a name that cannot be shown."""
    fault = fault_of_name(name) if isinstance(name, str) else None
    if fault is not None:
        raise ValidationFailed.at("#/display_name", fault)


def check_avatar_url(url: str | UnsetType | None) -> None:
    """Raises `ValidationFailed` for what is no URL of a picture that a browser could load."""
    if isinstance(url, str) and not is_web_url(url):
        raise ValidationFailed.at(
            "#/avatar_url",
            "must be an http or https URL in ASCII, without a password, such as https://example.org/ada.png",
        )


def check_metadata(metadata: dict[str, FreeJson] | UnsetType) -> None:
    """Raises `ValidationFailed` for more than may be kept of one user, and for what not every client can hold."""
    if metadata is UNSET:
        return
    if len(encode(metadata)) > USER_METADATA_BYTES:
        raise ValidationFailed.at("#/metadata", f"at most {USER_METADATA_BYTES} bytes of JSON")
    try:
        check_free_json(metadata, MAX_FIELD_DEPTH)
    except NotFreeJson as fault:
        raise ValidationFailed.at(f"#/metadata{fault.pointer[1:]}", fault.detail) from None
