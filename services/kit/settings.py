"""Settings: one TOML file and ``YIZHAN_*`` variables into frozen structs. Nothing is read at import.

A service's struct is filled from its table of the file, then from the shared ``YIZHAN_AMQP_URL`` and
``YIZHAN_DATABASE_URL``, then from its own ``YIZHAN_<SERVICE>_<FIELD>``; the later wins. A field named ``*_file`` holds
a path; its secret is read by ``secret`` when needed. A wrong setting stops the start with one clear line.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from services.kit.errors import SettingsError

S = TypeVar("S", bound=msgspec.Struct)
_SHARED: Final = ("AMQP_URL", "DATABASE_URL")


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every service is told."""

    name: str = ""  # of this process, in logs and at the broker; the service's own name where empty
    host: str = "127.0.0.1"  # where HTTP listens
    port: int = 0  # 0: any free port
    amqp_url: str  # amqp://user@host:port/vhost
    amqp_password_file: str = ""  # the user's password; empty where the URL holds it
    database_url: str = ""  # postgresql://user@host:port/database
    database_password_file: str = ""
    root_key_file: str  # pinned public root keys (JSON), the anchor of all trust
    log_level: str = "info"


def load(kind: type[S], service: str, path: Path | None, environ: Mapping[str, str]) -> S:
    """Return the settings of a service; raise ``SettingsError`` with the one line to print."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get(service, {})
        except OSError as error:
            raise SettingsError(f"settings file {path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"settings file {path}: {error}") from error
        if not isinstance(table, dict):
            raise SettingsError(f"settings file {path}: {service} is not a table")
        values.update(table)
    for field in msgspec.structs.fields(kind):
        upper = field.name.upper()
        shared = (f"YIZHAN_{upper}",) if upper in _SHARED else ()
        for variable in (*shared, f"YIZHAN_{service.upper()}_{upper}"):
            if variable in environ:
                values[field.name] = environ[variable]
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings of {service}: {error}") from error


def secret(path: str) -> str:
    """Read a secret from its file, without the final newline."""
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise SettingsError(f"secret file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"secret file {path}: not UTF-8") from error


def with_password(url: str, password_file: str) -> str:
    """Return ``url`` with the password from its file put in; unchanged where there is no file."""
    if not password_file:
        return url
    scheme, _, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    if not at or ":" in user:
        raise SettingsError("a URL with a password file must name a user and no password")
    return f"{scheme}://{user}:{quote(secret(password_file), safe='')}@{place}"
