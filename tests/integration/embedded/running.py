"""Asking a private server, and running scripts that are to be killed."""

import asyncio
import sys
from pathlib import Path

import asyncpg

from deploy.embedded import leftovers

PROJECT = Path(__file__).parents[3]
DEADLINE = 60


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def run_until_up(script: str, *arguments: object) -> asyncio.subprocess.Process:
    argv = [sys.executable, "-c", script, *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*argv, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        assert await process.stdout.readline() == b"up\n"
    return process


async def kill_hard(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.communicate()


async def all_end(pids: dict[int, str]) -> bool:
    return all(await asyncio.gather(*(leftovers._gone(pid, DEADLINE) for pid in pids)))
