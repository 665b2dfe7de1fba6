"""The node (节点): where units write, sign, send and receive."""
