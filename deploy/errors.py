"""The errors of the command line. Each text is one sentence, or a line for each mistake, that says what to do.

CannotRun
├── StackError        the local stack cannot do what was asked
├── MigrationError    the store is not as this version needs it
├── TopicError        the topics cannot be looked at or created
├── AskError          a question cannot be answered
├── NotRecorded       what was asked for cannot be recorded, so it was not done
├── RetainError       events cannot be removed now
├── RetentionPolicyError  a file of retention periods cannot be used
├── DeadLetterError   a dead letter is not there, cannot be read or cannot be put back
└── TenantFileError   a file of tenants cannot be applied
"""


class CannotRun(Exception):
    """A command could not run: exit status 2."""


class NotRecorded(CannotRun):
    """What was asked for cannot be recorded, so it was not done and nothing is shown; the text says why."""
