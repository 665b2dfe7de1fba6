"""The network of the committed vectors: the small one of ``tests.world``, to which things have happened."""

from datetime import timedelta

from msgspec.structs import replace

from proto.messages import Key
from services.kit.trust import enrol
from tests.world import BEIJING, FARMING, JIANGYIN, REFORM, WUXI, ZHANGJIAGANG, World, fixed_world

GATEWAY = "gw-test"
WUXI_GATEWAY = "gw-wuxi"


def vector_world() -> World:
    """Return the network, the same in every run.

    江阴 has rotated its key twelve hours ago, 张家港's was revoked an hour ago, the agricultural department is suspended,
    无锡 speaks through its own gateway, the reform commission's lead left ten days ago, and in Beijing the lead's key was
    revoked an hour ago.
    """
    world = fixed_world()
    hour = timedelta(hours=1)
    new_key = world.new_key("320281/second")
    rotation = enrol.open_key_request(
        enrol.key_request(
            JIANGYIN, "江阴市人民政府办公室", new=new_key, old=world.node_keys[JIANGYIN], at=world.now - 13 * hour
        ),
        world.state.directory,
    )
    nodes = {node.code: node for node in world.state.nodes()}
    world.publish_directory(
        [
            enrol.rotated(nodes[JIANGYIN], rotation, at=world.now - 12 * hour),
            enrol.revoked(nodes[ZHANGJIAGANG], world.node_keys[ZHANGJIAGANG].keyid, since=world.now - hour),
            replace(nodes[FARMING], suspended=True),
            replace(nodes[WUXI], gateway=WUXI_GATEWAY),
        ],
        sent_at=world.now - 6 * hour,
    )
    world.change_staff(REFORM, "lead", until=world.now - timedelta(days=10))
    world.change_staff(BEIJING, "lead", keys=tuple(_revoked(world, key) for key in _keys(world)))
    return world


def _keys(world: World) -> tuple[Key, ...]:
    lead = world.state.staff(BEIJING, "lead")
    assert lead is not None
    return lead.keys


def _revoked(world: World, key: Key) -> Key:
    return replace(key, revoked_from=world.now - timedelta(hours=1))
