"""What the private RabbitMQ is told: its settings, its definitions, its environment. Text in, text out."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.ports import LOOPBACK
from deploy.embedded.process import plain_environment

ADMIN = "yizhan-admin"
VHOST = "yizhan"
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
CONSUMER_TIMEOUT_MS = 30 * 60 * 1000  # 3.10's default is 30 minutes, but other versions had others: declared

PLUGINS = "[rabbitmq_management].\n"  # its HTTP API makes users, vhosts, permissions; it brings its own agent

# Erlang listens for other nodes, and for its own tools, on the loopback only; no crash dump, since it holds messages.
_ERL_FLAGS = "-kernel inet_dist_use_interface {127,0,0,1}"
# Idle schedulers sleep instead of spinning: the broker shares two cores with everything else.
_ERL_ARGS = "+sbwt none +sbwtdcpu none +sbwtdio none"


@dataclass(frozen=True, kw_only=True)
class RabbitPorts:
    """The four ports of one node, all on 127.0.0.1."""

    amqp: int
    management: int
    dist: int  # Erlang distribution: only its own tools use it
    epmd: int  # the port mapper that tells them ``dist``


@dataclass(frozen=True, kw_only=True)
class RabbitFolders:
    """Where the node keeps its things, below one folder."""

    home: Path  # also the home of the operating system user as far as Erlang knows: holds the cookie

    @property
    def conf(self) -> Path:
        """Written anew at every start."""
        return self.home / "conf"

    @property
    def data(self) -> Path:
        """Queues, streams, users: what must be kept."""
        return self.home / "mnesia"

    @property
    def log(self) -> Path:
        """The node's own rotated logs."""
        return self.home / "log"


def settings(ports: RabbitPorts, folders: RabbitFolders) -> str:
    """rabbitmq.conf; only keys that 3.10 to 4.x all know."""
    return f"""\
# Written at every start.
listeners.tcp.local = {LOOPBACK}:{ports.amqp}
management.tcp.ip = {LOOPBACK}
management.tcp.port = {ports.management}
# Only the API is wanted: nothing is collected for graphs, and channels do not count every message for it.
management_agent.disable_metrics_collector = true
management.rates_mode = none
# Users and vhosts come from here at every start, instead of guest/guest: a first start cut short is thereby repaired.
load_definitions = {folders.conf / "definitions.json"}
loopback_users.{ADMIN} = true
max_message_size = {MAX_MESSAGE_BYTES}
consumer_timeout = {CONSUMER_TIMEOUT_MS}
disk_free_limit.absolute = 200MB
vm_memory_high_watermark.relative = 0.3
# The log of all quorum queues together: 512 MB by default, held in memory until it rolls over.
raft.wal_max_size_bytes = 67108864
log.console = false
log.file.level = warning
log.file.rotation.size = 10485760
log.file.rotation.count = 5
"""


def definitions(password: str) -> str:
    """Return the JSON to be loaded at start: the admin (salted hash only, RabbitMQ's own scheme) and the vhost."""
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    user = {
        "name": ADMIN,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"],
        "limits": {},
    }
    permission = {"user": ADMIN, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}
    return json.dumps({"users": [user], "vhosts": [{"name": VHOST}], "permissions": [permission]}, indent=1) + "\n"


def environment(node: str, ports: RabbitPorts, folders: RabbitFolders) -> dict[str, str]:
    """Whole environment of the node: every path that would otherwise lead into /etc or /var is named."""
    conf = folders.conf
    return plain_environment(
        HOME=str(folders.home),
        ERL_EPMD_ADDRESS=LOOPBACK,
        ERL_EPMD_PORT=str(ports.epmd),
        ERL_FLAGS=_ERL_FLAGS,
        ERL_CRASH_DUMP_SECONDS="0",
        RABBITMQ_NODENAME=node,
        RABBITMQ_USE_LONGNAME="false",
        RABBITMQ_DIST_PORT=str(ports.dist),
        RABBITMQ_MNESIA_BASE=str(folders.data),
        RABBITMQ_LOG_BASE=str(folders.log),
        RABBITMQ_CONF_ENV_FILE=str(conf / "rabbitmq-env.conf"),
        RABBITMQ_CONFIG_FILE=str(conf / "rabbitmq.conf"),
        RABBITMQ_CONFIG_FILES=str(conf / "conf.d" / "*.conf"),
        RABBITMQ_ADVANCED_CONFIG_FILE=str(conf / "advanced.config"),
        RABBITMQ_ENABLED_PLUGINS_FILE=str(conf / "enabled_plugins"),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=_ERL_ARGS,
        # Makes the start script become the Erlang VM, which ends in good order on SIGTERM, instead of watching over it.
        RUNNING_UNDER_SYSTEMD="true",
    )
