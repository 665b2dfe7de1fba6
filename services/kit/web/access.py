"""Tokens between services and tools: a bearer token stands for some nodes' rights, by the hash of the token.

The access file is JSON ``{"<sha256 of token>": ["320583", …]}``; ``"*"`` stands for every node (the operator).
"""

from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from proto.envelope import digest_of
from services.kit.errors import SettingsError
from services.kit.web.problem import forbidden, unauthorized

ALL: Final = "*"


def token_digest(request: web.Request) -> str | None:
    """Return the SHA-256 of the bearer token, hex; None where there is none. Any bytes may come in a header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return digest_of(token.encode(errors="surrogateescape")) if scheme == "Bearer" and token else None


class Access:
    """Who may read as whom."""

    def __init__(self, table: dict[str, tuple[str, ...]]) -> None:
        self._table = {digest: frozenset(nodes) for digest, nodes in table.items()}

    @classmethod
    def from_file(cls, path: str) -> "Access":
        """Read the access file."""
        try:
            return cls(msgspec.json.decode(Path(path).read_bytes(), type=dict[str, tuple[str, ...]]))
        except OSError as error:
            raise SettingsError(f"access file {path}: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise SettingsError(f"access file {path}: {error}") from error

    def reader(self, request: web.Request, wanted: str) -> str:
        """Return the node as which the request reads (``wanted``); refuse where its token does not stand for it."""
        nodes = self.nodes(request)
        if wanted not in nodes and ALL not in nodes:
            raise forbidden("auth.not_this_node", "您无权以该单位身份查阅", "You may not read as that unit")
        return wanted

    def operator(self, request: web.Request) -> None:
        """Refuse where the token does not stand for the operator."""
        if ALL not in self.nodes(request):
            raise forbidden()

    def nodes(self, request: web.Request) -> frozenset[str]:
        """Return the nodes that the request's token stands for."""
        digest = token_digest(request)
        nodes = self._table.get(digest) if digest else None
        if nodes is None:
            raise unauthorized()
        return nodes
