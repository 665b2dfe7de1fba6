"""``bin/bench pipeline|scoring [--json] [--quick] [--passages FILE.jsonl]``."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.measure import machine, until
from bench.router_path import router_path
from bench.scoring import scoring
from bench.whole_path import Load, drain, latency, passages_from, signed_submissions, throughput
from deploy.embedded.rabbitmq import PrivateRabbit
from services.cli.network.units import read_units
from tests.conftest import free_ports
from tests.network import Network


def main() -> None:
    """Run a benchmark and print its figures."""
    parser = argparse.ArgumentParser(prog="bin/bench")
    parser.add_argument("what", choices=["pipeline", "scoring"])
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size: a look, not a figure")
    parser.add_argument("--passages", help="JSONL with a `body` in each line; generated text where absent")
    options = parser.parse_args()
    if options.what == "scoring":
        figures = uvloop.run(scoring(quick=options.quick))
    else:
        figures = uvloop.run(pipeline(quick=options.quick, passages=options.passages))
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")


async def pipeline(*, quick: bool, passages: str | None) -> dict[str, Any]:
    """Measure the pipeline; see docs/benchmarks.md for what each key means."""
    size = 10 if quick else 1
    say("router path, side by side")
    hop = await _hop(messages=10_000 // size, rounds=5 if not quick else 1)
    say(f"  {hop}")
    say("whole path: making 148 units")
    network = await Network.start(tuple(unit.code for unit in read_units()))
    try:
        whole = await _whole(network, passages_from(passages), size)
        whole["second_start_s"] = round(await _second_start(network), 1)
    finally:
        await network.stop()
    return {
        "router_vs_plain": round(hop["router"] / hop["plain"], 2),
        "router_vs_faststream": round(hop["router"] / hop["faststream"], 2),
        "two_routers_vs_one": round(hop["router_2"] / hop["router_alone"], 2),
        "two_routers_vs_one_with_worker": round(hop["router_2"] / hop["router"], 2),
        **whole,
        "hop_per_s": {name: hop[name] for name in hop["rounds"]},
        "rounds": hop["rounds"],
        "machine": machine(),
    }


async def _hop(*, messages: int, rounds: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="yizhan-bench-"))
    folder.chmod(0o755)
    async with PrivateRabbit(folder, *free_ports(4)) as rabbit:
        return await router_path(rabbit, messages=messages, rounds=rounds)


async def _whole(network: Network, passages: list[str], size: int) -> dict[str, Any]:
    units = [unit.code for unit in network.units]
    tokens = {code: await network.people.token(code, "officer") for code in units}
    with tempfile.TemporaryDirectory(prefix="yizhan-load-") as folder:
        load = Load(network, tokens, Path(folder))
        await throughput(network, load, await signed_submissions(network, passages, 1_000))  # warm-up
        steady = []
        for round_ in range(1 if size > 1 else 3):
            steady.append(await throughput(network, load, await signed_submissions(network, passages, 20_000 // size)))
            say(f"  whole path, round {round_ + 1}: {steady[-1]:.0f}/s")
        at_1 = await latency(network, load, await signed_submissions(network, passages, max(10, 60 // size)), 1)
        at_100 = await latency(network, load, await signed_submissions(network, passages, 6_000 // size), 100)
        say(f"  latency at 1/s {at_1}, at 100/s {at_100}")
        drained = await drain(network, load, await signed_submissions(network, passages, 100_000 // size))
        say(f"  drain {drained}")
    whole_path = sorted(steady)[len(steady) // 2]
    return {
        "whole_path_per_s": round(whole_path),
        "p99_ms_at_100": at_100["p99"],
        "p99_ms_at_1": at_1["p99"],
        "drain_vs_steady": round(drained["per_s"] / whole_path, 2),
        "rss_mb_max": round(drained["rss_mb_max"], 1),
        "rss_mb": {name: value for name, value in drained.items() if name.startswith("rss_") and name != "rss_mb_max"},
        "p50_ms": {"at_1": at_1["p50"], "at_100": at_100["p50"]},
    }


async def _second_start(network: Network) -> float:
    """Stop everything, then time ``yizhan up`` from the command to the first report accepted."""
    await network.halt()
    place = network.place
    environment = {
        **os.environ,
        "YIZHAN_VAR": str(place.var),
        "YIZHAN_PORT_BASE": str(place.ports.base),
    }
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", "up", "--no-sample", env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        accepted = await _first_accepted(network)
        await until(accepted)
        return time.perf_counter() - begun
    finally:
        process.terminate()
        await process.wait()


async def _first_accepted(network: Network) -> Any:
    (request,) = await signed_submissions(network, ["第二次启动后的第一条信息。"], 1)
    node, body = request
    sent: list[str] = []

    async def look() -> bool:
        try:
            if not sent:
                answer = await network.people.call(node, "officer", "POST", f"/api/v1/nodes/{node}/reports", body)
                sent.append(answer["message"])
            item = await network.people.call(node, "officer", "GET", f"/api/v1/nodes/{node}/items/{sent[0]}")
        except OSError:  # not listening yet
            return False
        return any(receipt["outcome"] == "accepted" for receipt in item["receipts"])

    return look


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
