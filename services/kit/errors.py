"""What can go wrong in a service, grouped by what the caller can do about it."""


class YizhanError(Exception):
    """Root of the services' errors."""


class TransientError(YizhanError):
    """Ours, and passing: try again later (broker or database away)."""


class UnavailableError(TransientError):
    """Full or not ready: the caller is told when to come back."""


class SettingsError(YizhanError):
    """The settings stop the start; the text is the one line to print."""


class KeyUnusableError(YizhanError):
    """Wrong passphrase, or not a key of a known kind."""


class SchemaTooNewError(SettingsError):
    """The database was migrated by a newer program than this one."""


class PoisonError(YizhanError):
    """A message that this consumer can never handle; it is parked with its text, a reason code without content."""
