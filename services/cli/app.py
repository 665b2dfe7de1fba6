"""The command tree: every subject's commands under one name."""

from services.cli import (
    adopting,
    appeals,
    bus,
    dead,
    desk,
    forwarding,
    issues,
    key_points,
    node,
    papers,
    processes,
    reading,
    rules,
    score,
    state,
    verify,
    verifying,
    work,
)
from services.cli.tree import Tree

app = Tree(help="驿站：政务信息报送网络 / Yizhan: a network for government information", completion=True)
processes.add_to(app)
work.add_to(app)
adopting.add_to(app)
forwarding.add_to(app)
verifying.add_to(app)
appeals.add_to(app)
reading.add_to(app)
verify.add_to(app)
state.add_to(app)
bus.add_to(app)
app.add_typer(desk.tree, name="intake", cls=desk.DeskGroup, rich_help_panel="采编 / Editing")
app.add_typer(issues.tree, name="issue", rich_help_panel="采编 / Editing")
app.add_typer(key_points.tree, name="points", rich_help_panel="采编 / Editing")
app.add_typer(papers.tree, name="paper", rich_help_panel="采编 / Editing")
app.add_typer(score.tree, name="score", rich_help_panel="积分 / Points")
app.add_typer(rules.tree, name="rules", rich_help_panel="积分 / Points")
app.add_typer(node.tree, name="node", rich_help_panel="运维 / Operations")
app.add_typer(dead.tree, name="dead", rich_help_panel="运维 / Operations")
