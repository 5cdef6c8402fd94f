"""The words that identity fields may take."""

TRIGGERS = ("interactive", "api", "schedule", "event", "unknown")
PRINCIPAL_TYPES = ("human", "service", "agent", "job", "unknown")
