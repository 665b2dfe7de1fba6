"""HTML by Jinja2 with autoescape: one page without script or outside resource, for the screen and the browser's own printing."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from services.gateway.documents import blocks
from services.gateway.documents.layout import sheet
from services.gateway.documents.model import BulletinDocument, IssueDocument


def html(document: IssueDocument | BulletinDocument) -> str:
    """Return the document as a complete HTML page."""
    return _template().render(sheet=sheet(document), page=blocks)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("document.html.jinja")
