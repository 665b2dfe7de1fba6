"""Whether a network can live in a folder, asked before anything is made; whose it is, asked of the kernel."""

import os
import pwd
from pathlib import Path

import pytest

from deploy.embedded.errors import SHARED_VAR, NoAccessError, UnusableFolderError, WrongOwnerError
from deploy.embedded.folder import SERVERS, check_folder, default_var
from deploy.embedded.ports import Ports
from deploy.embedded.rabbitmq import PrivateRabbit

NOBODY = pwd.getpwnam("nobody").pw_uid
as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not {*SERVERS} <= {entry.pw_name for entry in pwd.getpwall()},
    reason="only root steps down to other users",
)


async def test_a_good_folder_need_not_be_there_and_stays_as_it_is(var: Path) -> None:
    await check_folder(var / "deep" / "down", SERVERS)
    assert list(var.iterdir()) == []


async def test_a_file_is_no_folder(var: Path) -> None:
    (var / "file").touch()
    for path in (var / "file", var / "file" / "below"):
        with pytest.raises(UnusableFolderError, match=r"var\.not_folder"):
            await check_folder(path, SERVERS)


async def test_a_folder_that_cannot_be_written_to(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(UnusableFolderError, match=r"不能写入.*var\.not_writable"):
        await check_folder(var / "new", SERVERS)


@pytest.mark.parametrize("name", ["数据", "isn't", 'a"b', "a#b"])
async def test_rabbitmq_cannot_use_every_path(var: Path, name: str) -> None:
    (var / "plain").symlink_to(var / name)
    for path in (var / name, var / "plain"):
        with pytest.raises(UnusableFolderError, match=rf"{name} .*RabbitMQ.*var\.not_plain"):
            await check_folder(path, SERVERS)
        await check_folder(path, ["postgres"])


async def test_rabbitmq_starts_in_a_path_that_is_allowed(var: Path, free: Ports) -> None:
    folder = var / "a B _+@=~,:-.0"
    await check_folder(folder, SERVERS)
    async with PrivateRabbit(folder, free.amqp, free.management, free.dist, free.epmd):
        pass


@as_root
@pytest.mark.parametrize("closed", ["home", "home/clone"])
async def test_a_folder_that_the_servers_users_cannot_enter(var: Path, closed: str) -> None:
    (var / "home" / "clone").mkdir(parents=True)
    (var / closed).chmod(0o700)
    for path in (var / "home/clone", var / "home/clone/var/new"):
        with pytest.raises(NoAccessError, match=f"YIZHAN_VAR={SHARED_VAR}") as caught:
            await check_folder(path, SERVERS)
        assert caught.value.blocker == var / closed
    await check_folder(var / "home/clone/var", [])  # servers of somebody else's are not here


@as_root
@pytest.mark.parametrize("held", ["yizhan.toml", "lock", "postgres/data", "rabbitmq/mnesia"])
async def test_root_leaves_an_ordinary_users_network_alone(var: Path, held: str) -> None:
    (var / held).mkdir(parents=True)
    for path in (var / held, (var / held).parent):
        os.chown(path, NOBODY, -1)
    before = {path: path.stat().st_uid for path in var.rglob("*")}
    with pytest.raises(WrongOwnerError, match=r"属于用户 nobody.*belongs to nobody: run as nobody") as caught:
        await check_folder(var, SERVERS)
    assert caught.value.owner == "nobody"
    assert {path: path.stat().st_uid for path in var.rglob("*")} == before
    if "/" in held:
        await check_folder(var, [name for name in SERVERS if not held.startswith(name)])


@as_root
async def test_roots_own_network_is_good(var: Path) -> None:
    for name, data in (("postgres", "data"), ("rabbitmq", "mnesia")):
        (var / name / data).mkdir(parents=True)
        os.chown(var / name / data, pwd.getpwnam(name).pw_uid, -1)
    (var / "yizhan.toml").touch()
    await check_folder(var, SERVERS)


@as_root
def test_root_keeps_its_network_where_the_servers_can_reach_it(var: Path) -> None:
    project = var / "root" / "clone"
    project.mkdir(parents=True)
    assert default_var(project) == project / "var"
    (var / "root").chmod(0o700)
    assert default_var(project) == SHARED_VAR
    (project / "var").mkdir()
    assert default_var(project) == SHARED_VAR
    (project / "var" / "yizhan.toml").touch()  # made there before, perhaps with servers of somebody else's
    assert default_var(project) == project / "var"
