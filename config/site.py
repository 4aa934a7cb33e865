"""Which gate this is, and whom its officers call."""

from __future__ import annotations

import zoneinfo
from typing import Literal

from pydantic import Field, field_validator

from config.section import Identifier, Section

NO_ZONE = "is not an IANA time zone that this machine knows, such as 'Asia/Ho_Chi_Minh' (Debian package: tzdata)"
NUMBER = r"^\+?[0-9](?:[ .-]?[0-9]){1,14}$"


class Contact(Section):
    """Somebody whom an officer calls from the sheet Khẩn cấp."""

    name: str = Field(min_length=1, max_length=40, description="Who answers, e.g. 'Trực ban Công an xã'.")
    number: str = Field(
        pattern=NUMBER,
        title="2 to 15 digits in quotes, after '+' where it has a country code; spaces, '.' and '-' may stand between",
        description="The number that the phone dials.",
    )


class Site(Section):
    """Which gate this is, for people and for topics."""

    id: Identifier = Field(description="Short name in MQTT topics and file names: a-z, 0-9 and '-'.")
    name: str = Field(min_length=1, max_length=80, description="Name that people read, e.g. 'Cổng thôn 3'.")
    timezone: str = Field(default="Asia/Ho_Chi_Minh", description="IANA time zone of the site.")
    language: Literal["vi", "en"] = Field(default="vi", description="First language of the page.")
    contacts: tuple[Contact, ...] = Field(
        default=(), max_length=6, description="Whom officers call from the sheet Khẩn cấp, in this order."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as "Asia"
            raise ValueError(NO_ZONE) from None
        return value
