"""The repository (政务信息资源库): keeps every message that travelled, finds reports, shows the way each one went."""
