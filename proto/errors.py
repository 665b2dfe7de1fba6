"""What can be wrong with a message, as stable codes with both languages' words.

A ``Reason`` is what a receipt carries and what users read; ``RefusedError`` is how the code says it.
"""

from enum import StrEnum
from typing import Self


class Worded(StrEnum):
    """Base of codes with words: the value is the stable code, ``zh`` and ``en`` are for people."""

    zh: str
    en: str

    def __new__(cls, code: str, zh: str = "", en: str = "") -> Self:
        """Make a member from its code and both languages' words."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh = zh
        member.en = en
        return member


class Reason(Worded):
    """Why a message was refused (退回原因)."""

    ENVELOPE_TOO_LARGE = "envelope.too_large", "报文超过长度上限", "The message is larger than the limit"
    ENVELOPE_MALFORMED = "envelope.malformed", "报文封装无法解析", "The envelope cannot be read"
    PAYLOAD_MALFORMED = "payload.malformed", "报文内容无法解析", "The payload cannot be read"
    PAYLOAD_NOT_UTF8 = "payload.not_utf8", "报文内容不是有效的 UTF-8", "The payload is not valid UTF-8"
    PAYLOAD_NAIVE_TIME = "payload.naive_time", "时间缺少时区", "A time has no zone"
    PAYLOAD_UNKNOWN_FIELD = "payload.unknown_field", "报文含有未定义的字段", "The payload has an unknown field"
    PAYLOAD_UNKNOWN_KIND = "payload.unknown_kind", "未知的报文种类", "The kind of message is unknown"
    PAYLOAD_KIND_MISMATCH = "payload.kind_mismatch", "封装与内容的种类不一致", "Envelope and payload name two kinds"
    PAYLOAD_ID_NOT_V7 = "payload.id_not_v7", "报文编号不是 UUIDv7", "The id is not a UUIDv7"
    ID_REUSED = "payload.id_reused", "该编号已用于另一件报文", "This id already belongs to another message"
    SENT_IN_FUTURE = "payload.sent_in_future", "发送时间晚于当前时间", "The sending time lies in the future"
    NO_DIRECTORY = "registry.no_directory", "尚无有效名录", "There is no valid directory yet"
    DIRECTORY_EXPIRED = "registry.expired", "名录已过期", "The directory has expired"
    REGISTRY_ROLLBACK = "registry.rollback", "名录或名册版本回退", "A lower version of the directory or roster"
    REGISTRY_NOT_ROOT = "registry.not_signed_by_root", "名录未经根密钥签名", "The directory is not signed by the root"
    REGISTRY_INVALID = "registry.invalid", "名录或名册内容不一致", "The directory or roster contradicts itself"
    UNKNOWN_NODE = "sender.unknown_node", "报送单位不在名录中", "The sending unit is not in the directory"
    NODE_SUSPENDED = "sender.suspended", "报送单位已暂停", "The sending unit is suspended"
    WRONG_GATEWAY = "sender.wrong_gateway", "该网关不得代表此单位", "This gateway may not speak for that unit"
    KEY_UNKNOWN = "key.unknown", "签名密钥不在名录中", "The signing key is not in the directory"
    KEY_NOT_OF_ORIGIN = "key.not_of_origin", "签名密钥属于其他单位", "The signing key belongs to another unit"
    KEY_REVOKED = "key.revoked", "签名密钥已吊销", "The signing key was revoked"
    KEY_NOT_VALID = "key.not_valid_then", "签名密钥当时不在有效期内", "The signing key was not valid at that time"
    SIGNATURE_INVALID = "signature.invalid", "签名与内容不符", "The signature does not match the content"
    SIGNATURE_MISSING = "signature.missing", "缺少单位签名", "The unit's signature is missing"
    SIGN_OFF_MISSING = "sign_off.missing", "缺少审核或签发", "A review or an approval is missing"
    SIGN_OFF_NOT_UNIT_LEAD = (
        "sign_off.unit_lead_missing",
        "重要信息未经本级领导签发",
        "An important report needs the unit lead's approval",
    )
    SIGN_OFF_DIGEST = "sign_off.digest_mismatch", "签发的不是这份内容", "The sign-off covers other content"
    SIGN_OFF_PERSON = "sign_off.unknown_person", "签发人不在名册中", "The signer is not on the roster"
    SIGN_OFF_KEY = "sign_off.key_unknown", "签发密钥不属于签发人", "The key is not the signer's"
    SIGN_OFF_KEY_REVOKED = "sign_off.key_revoked", "签发密钥已吊销", "The signer's key was revoked"
    SIGN_OFF_NOT_IN_OFFICE = "sign_off.not_in_office", "签发人当时不在岗", "The signer was not in office then"
    SIGN_OFF_ROLE = "sign_off.role_not_held", "签发人无此职责", "The signer does not hold that role"
    SIGN_OFF_INVALID = "sign_off.invalid", "签发签名无效", "The sign-off does not verify"
    SIGN_OFF_TIME = "sign_off.wrong_time", "签发时间晚于发送时间", "The sign-off is dated after the sending"
    REPORT_NO_CATEGORY = "report.no_category", "未按第九条归类", "The report has no category of Article 9"
    REPORT_CLASSIFIED = "report.classified", "涉密内容不得上网", "Classified content must not be sent"
    REPORT_CHAIN = "report.chain", "续报、终报、更正须注明原报", "A follow-up or correction must name its report"
    REPORT_JOINT = (
        "report.joint",
        "联合调研单位仅限调研信息，不得重复或含本单位",
        "Joint units belong to research alone, none twice and never the reporting unit",
    )
    REPORT_JOINT_UNKNOWN = "report.joint_unknown", "联合调研单位不在名录中", "A joint unit is not in the directory"
    REPORT_INVALID = "report.invalid", "信息内容不合规范", "The report's content breaks a rule"
    REPORT_FORWARDED = "report.forwarded", "转报所附原件不合规范", "A forwarded original breaks a rule"
    NO_RECIPIENT = "route.no_recipient", "没有收件单位", "The message names no recipient"
    UNKNOWN_RECIPIENT = "route.unknown_recipient", "收件单位不在名录中", "A recipient is not in the directory"
    NOT_PERMITTED = "route.not_permitted", "该单位不得向此单位发送此类报文", "The sender may not send this kind there"


class ProtoError(Exception):
    """Root of what this package raises."""


class RefusedError(ProtoError):
    """The sender's fault: ``reason`` goes into the receipt, ``detail`` says which part (never report text)."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
