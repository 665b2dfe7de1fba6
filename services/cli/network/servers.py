"""The servers under the network: private ones with one role and one broker user for each service, or those given."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.rabbitmq import PrivateRabbit
from deploy.embedded.rabbitmq_config import VHOST
from proto.topology import ARCHIVE_GRANT, OPERATOR_GRANT, ROUTER_GRANT, SCORING_GRANT, gateway_grant
from services.cli.network.config import DATABASE
from services.cli.network.making import STORES
from services.cli.place import Place
from services.kit.broker_admin import BrokerUser, apply_definitions, declare, definitions
from services.kit.settings import secret


@asynccontextmanager
async def servers(place: Place, *, amqp_url: str, database_url: str) -> AsyncIterator[list[Any]]:
    """Run the private servers that are not given from outside; yield them, for whoever watches that they live."""
    private: list[Any] = []
    if not database_url:
        private.append(PrivatePostgres(place.var, place.ports.postgres))
    if not amqp_url:
        private.append(
            PrivateRabbit(place.var, place.ports.amqp, place.ports.management, place.ports.dist, place.ports.epmd)
        )
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.TaskGroup() as group:
                for server in private:
                    group.create_task(stack.enter_async_context(server), name="server-start")
        except BaseExceptionGroup as errors:  # one that fails ends the start of the other
            raise errors.exceptions[0] from errors
        yield private


async def furnish(place: Place, codes: Sequence[str], *, amqp_url: str, database_url: str) -> None:
    """Give the servers what the network needs; doing it again changes nothing."""
    if amqp_url:
        await declare(amqp_url, codes)
    else:
        rabbit = PrivateRabbit(place.var, place.ports.amqp, place.ports.management, place.ports.dist, place.ports.epmd)
        await apply_definitions(rabbit.admin_url, definitions(VHOST, codes, broker_users(place, codes)))
    if not database_url:
        await _furnish_postgres(place, PrivatePostgres(place.var, place.ports.postgres).url)


def broker_users(place: Place, codes: Sequence[str]) -> list[BrokerUser]:
    """Return the broker users, each with the least that it needs."""
    grants = {
        "gateway": gateway_grant(codes),
        "router": ROUTER_GRANT,
        "archive": ARCHIVE_GRANT,
        "scoring": SCORING_GRANT,
        "operator": OPERATOR_GRANT,
    }
    return [BrokerUser(name=name, password=place.broker_password(name), grant=grant) for name, grant in grants.items()]


async def _furnish_postgres(place: Place, admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
    finally:
        await connection.close()
    connection = await asyncpg.connect(admin_url, database=DATABASE)
    try:
        await connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
        for service in STORES:
            role, password = f"yizhan_{service}", secret(str(place.secrets / f"pg-{service}"))
            known = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role)
            verb = "ALTER" if known else "CREATE"
            quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
            await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD {quoted}")
            await connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {role}")
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {role}")
    finally:
        await connection.close()
