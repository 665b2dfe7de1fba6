"""What the archive is told."""

from typing import Annotated

from msgspec import Meta

from services.kit.settings import ServiceSettings


class ArchiveSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the archive (资源库)."""

    access_file: str  # tokens of readers and operators
    prefetch: Annotated[int, Meta(ge=1)] = 500  # messages held at a time
    batch: Annotated[int, Meta(ge=1)] = 250  # messages stored in one statement
    connections: Annotated[int, Meta(ge=3)] = 4  # to the database; searches use all but two of them
    search_seconds: Annotated[float, Meta(gt=0)] = 5.0  # after which a search is given up with 503
