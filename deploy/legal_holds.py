"""Which tenants are under legal hold: what the topic of tenants says now, all of it or nothing."""

from collections.abc import Mapping
from typing import Final

from langtrail.processors.metrics import Metric, Metrics
from langtrail.processors.tenants import Tenants, TenantsLost
from langtrail.schemas import topic

from .dead_letter_reader import operator_settings
from .errors import CannotRun

_SECONDS: Final = 30.0


def legal_holds(variables: Mapping[str, str]) -> set[str]:
    """Return the ids of the tenants under legal hold. Raises CannotRun when not every tenant's record can be read."""
    connection = operator_settings(variables)
    metrics = Metrics()
    tenants = Tenants(connection.librdkafka(), metrics, connection.kafka_seconds)
    tenants.start()
    try:
        tenants.wait_until_ready(_SECONDS)
    except TenantsLost as error:
        raise CannotRun(f"who is under legal hold is not known: {error}; nothing was removed") from None
    finally:
        tenants.stop()
    if metrics.value(Metric.TENANT_RECORDS_MALFORMED):
        name = topic("tenants").name
        raise CannotRun(
            f"who is under legal hold is not known: {name} has a record that cannot be read; apply the tenants again"
        )
    return {tenant.tenant_id for tenant in tenants.values() if tenant.legal_hold}
