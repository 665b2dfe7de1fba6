"""A hub's paper, as people make it."""

from typing import Any

from services.cli.network.sample.client import People


async def publish_paper(people: People, hub: str, paper: dict[str, Any]) -> None:
    """Let an editor save a paper and the lead approve what was saved; one that is approved stays as it is."""
    papers = f"/api/v1/nodes/{hub}/papers"
    found = await people.call(hub, "editor", "POST", papers, paper)
    if found["state"] == "draft":
        approval = {"passphrase": people.password, "digest": found["digest"]}
        await people.call(hub, "lead", "POST", f"{papers}/{found['id']}/approve", approval)
