"""Can a network live in this folder? Asked before anything is made there, since a half-made network helps nobody."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Collection
from pathlib import Path

from deploy.embedded.account import Account, nearest_folder
from deploy.embedded.errors import SHARED_VAR, UnusableFolderError, WrongOwnerError

_DATA = {"postgres": "data", "rabbitmq": "mnesia"}
_PLAIN_PATH = re.compile(r"[A-Za-z0-9 ./_+@=~,:-]+")  # what RabbitMQ's scripts and settings take as it stands
SERVERS = tuple(_DATA)
"""The private servers, by the names of the users that the distribution's packages made for them."""


async def check_folder(var: Path, private: Collection[str]) -> None:
    """Raise EmbeddedError where a network with these ``private`` servers (of SERVERS) cannot be made or run in ``var``.

    Nothing is changed, and nothing of somebody else's will be: a start by root in an ordinary user's network would
    hand its data to the servers' own users.
    """
    nearest = nearest_folder(var)
    if not nearest.is_dir():
        raise UnusableFolderError(nearest, "不是文件夹", "is not a folder", "not_folder")
    _check_owners(var, private)
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UnusableFolderError(nearest, "不能写入", "cannot be written to", "not_writable")
    if "rabbitmq" in private and not _PLAIN_PATH.fullmatch(str(var.resolve())):
        raise UnusableFolderError(
            var.resolve(),
            "的路径含有中文等非 ASCII 字符或引号等符号，RabbitMQ 不能使用",
            "has characters beyond ASCII, or quotes and the like, in its path, which RabbitMQ cannot use",
            "not_plain",
        )
    for name in private:
        await Account.choose(name).require_entry(var)


def default_var(project: Path) -> Path:
    """Return where a network lives when nobody says: ``var`` in the project.

    For root it is SHARED_VAR where the servers' own users could not enter the project (a clone under /root) and no
    network was made in it.
    """
    inside = project / "var"
    if os.geteuid() != 0 or (inside / "yizhan.toml").exists():
        return inside
    return SHARED_VAR if any(Account.choose(name).blocker(project) for name in SERVERS) else inside


def _check_owners(var: Path, private: Collection[str]) -> None:
    """Raise WrongOwnerError for the first file or folder that is not whose it would be after a start by us."""
    wanted = {var / "yizhan.toml": os.geteuid(), var / "lock": os.geteuid()}
    wanted |= {var / name / _DATA[name]: Account.choose(name).uid for name in private}
    for path, uid in wanted.items():
        try:
            owner = path.stat().st_uid
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:  # its folder is another user's
            owner = path.parent.stat().st_uid
        if owner != uid:
            raise WrongOwnerError(path, _name(owner), _name(uid))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
