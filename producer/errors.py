"""The errors of the producer. No hook raises them: an application never fails because it is audited, unless its owner asked.

ProducerError
├── SpoolFull          the disk, or the limit set for the spool, has no room
├── SpoolDamaged       a spool file is not what was written to it
├── TokenRefused       audit_context was given a token that does not hold, or cannot be verified
└── AuditUnavailable   only with LANGTRAIL_DELIVERY=block, from start hooks: the run must not begin, it cannot be recorded
    └── IdentityMissing   only with LANGTRAIL_REQUIRE_IDENTITY=1, from start hooks: the run must not begin, it names nobody
"""


class ProducerError(Exception):
    """Something is wrong with the recording, not with the application."""


class SpoolFull(ProducerError):
    """The disk, or the limit set for the spool, has no room for another event."""


class SpoolDamaged(ProducerError):
    """A spool file is not what was written to it."""


class AuditUnavailable(ProducerError):
    """Neither the spool nor Kafka takes the start of this run; with LANGTRAIL_DELIVERY=block it must not begin then."""


class IdentityMissing(AuditUnavailable):
    """A root run names nobody; with LANGTRAIL_REQUIRE_IDENTITY=1 it must not begin."""


class TokenRefused(ProducerError):
    """A token does not hold, or cannot be verified with the settings that there are."""
