"""What can go wrong when a document is rendered."""

from services.kit.errors import YizhanError


class DocumentError(YizhanError):
    """The document cannot be rendered, and would not be on another try; the text says why, without content."""


class FontMissingError(DocumentError):
    """A font that the page needs is not installed; the text names the package to install."""
