"""The errors of the producer. None of them is raised by a hook: an application never fails because it is audited.

ProducerError
├── SpoolFull        the disk, or the limit set for the spool, has no room
├── SpoolDamaged     a spool file is not what was written to it
└── TokenRefused     audit_context was given a token that does not hold, or cannot be verified
"""


class ProducerError(Exception):
    """Something is wrong with the recording, not with the application."""


class SpoolFull(ProducerError):
    """The disk, or the limit set for the spool, has no room for another event."""


class SpoolDamaged(ProducerError):
    """A spool file is not what was written to it."""


class TokenRefused(ProducerError):
    """A token does not hold, or cannot be verified with the settings that there are."""
