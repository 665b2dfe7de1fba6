"""The command tree: every subject's commands under one name."""

from services.cli import bus, dead, node, processes, reading, state, verify, work
from services.cli.tree import Tree

app = Tree(help="驿站：政务信息报送网络 / Yizhan: a network for government information", completion=True)
processes.add_to(app)
work.add_to(app)
reading.add_to(app)
verify.add_to(app)
state.add_to(app)
bus.add_to(app)
app.add_typer(node.tree, name="node", rich_help_panel="运维 / Operations")
app.add_typer(dead.tree, name="dead", rich_help_panel="运维 / Operations")
