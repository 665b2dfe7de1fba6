"""Who and where: the units and people of the small network in ``tests.world``."""

from datetime import UTC, datetime

from proto.addresses import ROUTER_CODE
from proto.messages import Action, NodeKind, ResearchClass, Role

PROVINCE = "320000"
SUZHOU, WUXI = "320500", "320200"
KUNSHAN, ZHANGJIAGANG, JIANGYIN = "320583", "320582", "320281"
REFORM, FARMING = "320000-fgw", "320000-nynct"
BEIJING = "320000-zbj"
HUBS = (PROVINCE, SUZHOU, WUXI)

LEAD_SIGNS = (("lead", Role.OFFICE_LEAD, Action.REVIEWED), ("lead", Role.OFFICE_LEAD, Action.APPROVED))
"""What an ordinary report needs (Art. 12)."""
HEAD_SIGNS = (("lead", Role.OFFICE_LEAD, Action.REVIEWED), ("head", Role.UNIT_LEAD, Action.APPROVED))
"""What an important one needs."""

PLACES: tuple[tuple[str, str, NodeKind, str | None, bool, ResearchClass | None], ...] = (
    (PROVINCE, "江苏省人民政府办公厅", NodeKind.PROVINCE, None, False, None),
    (SUZHOU, "苏州市人民政府办公室", NodeKind.CITY, PROVINCE, False, ResearchClass.CITY),
    (WUXI, "无锡市人民政府办公室", NodeKind.CITY, PROVINCE, False, ResearchClass.CITY),
    (KUNSHAN, "昆山市人民政府办公室", NodeKind.COUNTY, SUZHOU, True, None),
    (ZHANGJIAGANG, "张家港市人民政府办公室", NodeKind.COUNTY, SUZHOU, False, None),
    (JIANGYIN, "江阴市人民政府办公室", NodeKind.COUNTY, WUXI, True, None),
    (REFORM, "江苏省发展和改革委员会", NodeKind.DEPARTMENT, PROVINCE, False, ResearchClass.ECONOMIC),
    (FARMING, "江苏省农业农村厅", NodeKind.DEPARTMENT, PROVINCE, False, ResearchClass.FUNCTIONAL),
    (BEIJING, "江苏省人民政府驻北京办事处", NodeKind.LIAISON, PROVINCE, False, None),
    (ROUTER_CODE, "省网路由服务", NodeKind.SERVICE, PROVINCE, False, None),
)
PEOPLE = (
    ("officer", "【样例】信息员", Role.INFORMATION_OFFICER),
    ("lead", "【样例】分管领导", Role.OFFICE_LEAD),
    ("head", "【样例】本级领导", Role.UNIT_LEAD),
)
EDITOR = ("editor", "【样例】采编", Role.EDITOR)

FIXED_NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""The moment at which the committed vectors were made."""
