"""Starting from nothing: only what we made is deleted, and only where nothing older would meet the new network."""

import shutil
from typing import Final

import asyncpg

from proto.topology import REGISTRY, ROUTER_QUEUE
from services.cli import broker
from services.cli.failures import cannot
from services.cli.network.making import STORES
from services.cli.place import Place

_MADE: Final = (
    "yizhan.toml", "yizhan.toml.new", "postgres", "rabbitmq", "sample", "log", "registry", "keys", "root.json",
    "root.json.new", "secrets",
)  # fmt: skip
"""What ``up`` writes, in the order of deletion: settings first, so that a half-deleted network does not count as made;
secrets last, since they are what the folder is known by."""
_SIGNS: Final = ("yizhan.toml", "secrets/root-passphrase", "secrets/postgres-superuser", "secrets/rabbitmq-admin")


def clear(place: Place) -> None:
    """Delete the network in the var folder; refuse a folder that holds something else and no network of ours."""
    var = place.var
    held = [entry.name for entry in var.iterdir() if entry.name != "lock"]
    if held and not any((var / sign).exists() for sign in _SIGNS):
        raise cannot(
            "reset.not_ours",
            f"{var} 里没有驿站网络，而有别的内容：用 YIZHAN_VAR 指明空文件夹",
            f"{var} holds no network of ours, but something else: name an empty folder in YIZHAN_VAR",
            repr(min(held)),
        )
    for name in _MADE:
        path = var / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


async def require_empty(*, amqp_url: str, database_url: str) -> None:
    """Refuse given servers that hold a network: its tables and queues are their owner's to delete, not ours."""
    if database_url and (schemas := await _schemas(database_url)):
        raise cannot(
            "reset.database_not_empty",
            "YIZHAN_DATABASE_URL 的数据库里已有网络，--reset 不删除：请在那里删除各模式，或指明空库",
            "The database of YIZHAN_DATABASE_URL holds a network, which --reset does not delete: "
            "drop its schemas there, or name an empty database",
            ", ".join(schemas),
        )
    if amqp_url:
        async with broker.connected(amqp_url, "reset") as connection:
            depths = await broker.depths(connection, (ROUTER_QUEUE, REGISTRY))
        if queues := [name for name, depth in depths.items() if depth is not None]:
            raise cannot(
                "reset.broker_not_empty",
                "YIZHAN_AMQP_URL 的总线上已有网络，--reset 不删除：请删除并重建其 vhost，或指明空的",
                "The broker of YIZHAN_AMQP_URL holds a network, which --reset does not delete: "
                "delete its vhost and make it anew, or name an empty one",
                ", ".join(queues),
            )


async def _schemas(database_url: str) -> list[str]:
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        rows = await connection.fetch(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY($1::text[]) ORDER BY nspname", list(STORES)
        )
    finally:
        await connection.close()
    return [row["nspname"] for row in rows]
