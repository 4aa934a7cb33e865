"""What every table of the file is: typed, frozen, closed to unknown keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", title="a short name of a-z, 0-9 and '-', at most 32 characters")
]


class Section(BaseModel):
    """A table of the file: frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
