"""Servers of somebody else's are tried before anything is made."""

from urllib.parse import urlsplit

import pytest

from services.cli.failures import CliError, Exit
from services.cli.network import given
from services.cli.network.given import Given
from tests.conftest import free_ports


def _changed(url: str, *, password: str = "", host: str = "", path: str = "") -> str:
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    login = f"{user.partition(':')[0]}:{password}" if password else user
    return parts._replace(netloc=f"{login}@{host or place}", path=path or parts.path).geturl()


async def _refusal(amqp_url: str = "", database_url: str = "") -> tuple[Exit, str, str]:
    with pytest.raises(CliError) as refused:
        await Given(amqp_url=amqp_url, database_url=database_url).require_reachable()
    assert "secret" not in refused.value.line()
    return refused.value.exit_code, refused.value.code, refused.value.en


async def test_servers_that_let_us_in_are_good(amqp_url: str, database_url: str) -> None:
    await Given(amqp_url=amqp_url, database_url=database_url).require_reachable()
    await Given(amqp_url="", database_url="").require_reachable()


async def test_servers_that_refuse_us_are_named(amqp_url: str, database_url: str) -> None:
    for wrong in (_changed(amqp_url, password="secret"), _changed(amqp_url, path="/nowhere")):
        exit_code, code, en = await _refusal(amqp_url=wrong)
        assert (exit_code, code, "YIZHAN_AMQP_URL" in en) == (Exit.CANNOT, "amqp_url.denied", True)
    for wrong in (_changed(database_url, password="secret"), _changed(database_url, path="/nowhere")):
        exit_code, code, en = await _refusal(database_url=wrong)
        assert (exit_code, code, "YIZHAN_DATABASE_URL" in en) == (Exit.CANNOT, "database_url.denied", True)


async def test_servers_that_are_away_are_tried_again_for_a_while(
    amqp_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given, "_PATIENCE", 0.5)
    (port,) = free_ports(1)
    nobody = f"127.0.0.1:{port}"
    assert (await _refusal(amqp_url=_changed(amqp_url, host=nobody)))[:2] == (Exit.UNREACHABLE, "amqp_url.unreachable")
    assert (await _refusal(database_url=_changed(database_url, host=nobody)))[:2] == (
        Exit.UNREACHABLE, "database_url.unreachable",
    )  # fmt: skip
