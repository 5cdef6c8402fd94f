"""What is known of each tenant: the topic langtrail.tenants as a table in memory, live."""

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from langtrail.schemas import TENANT, SchemaError, UnknownSchemaId, decode, encode, frame, registry, topic, unframe

from .metrics import Metric, Metrics
from .tenant import Tenant

_POLL_SECONDS = 0.2
_REQUEST_SECONDS = 10
# librdkafka heals these by itself; the table stays as it was meanwhile.
_PASSING = frozenset((KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE))  # noqa: SLF001 - public names of librdkafka's codes

_UNREADABLE: Final = "unreadable"
"""Stands for the policy of a tenant of whom there is only a record that cannot be read: it is none, so content is withheld."""

_log = logging.getLogger(__name__)


def encode_tenant(tenant: Tenant) -> tuple[bytes, bytes]:
    """Return key and value of a tenant's record. Raises MalformedRecord on a field of a wrong type."""
    schema = registry().latest(TENANT)
    return tenant.tenant_id.encode(), frame(schema.id, encode(schema, asdict(tenant)))


def decode_tenant(value: bytes) -> Tenant:
    """Return the tenant of a record's value. Raises MalformedRecord or UnknownSchemaId."""
    framed = unframe(value)
    schema = registry().by_id(framed.schema_id)
    if schema.subject != TENANT:
        raise UnknownSchemaId(f"schema id {schema.id} is {schema.subject}, no tenant")
    return Tenant(**decode(schema, framed.datum))


class TenantsLost(Exception):
    """The topic of tenants can no longer be read: what is known of them may be out of date. The text says why."""


class Tenants(Mapping[str, Tenant]):
    """The known tenants by id. A thread of its own reads the topic from its beginning and stays at its end.

    It belongs to no consumer group: every worker knows all tenants. `ready` is set once the topic was read to its end.
    A record that cannot be read changes nothing of a known tenant. Of one that was not known it makes a tenant whose policy
    nobody can use: what is to be hidden there is not known either.
    """

    def __init__(self, connection: Mapping[str, str], metrics: Metrics, request_seconds: int = _REQUEST_SECONDS) -> None:
        """`request_seconds`: the longest wait for Kafka to say which partitions there are."""
        self._request_seconds = request_seconds
        self.ready = threading.Event()
        self._connection = connection
        self._metrics = metrics
        self._tenants: dict[str, Tenant] = {}
        self._stopping = threading.Event()
        self._lost: str | None = None
        self._thread = threading.Thread(target=self._run, name="tenants", daemon=True)

    def __getitem__(self, tenant_id: str) -> Tenant:
        return self._tenants[tenant_id]

    def get(self, tenant_id: str, default: Any = None, /) -> Any:
        """Return a tenant, or something else where there is none; what Mapping has for it raises and catches KeyError."""
        return self._tenants.get(tenant_id, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tenants.copy())

    def __len__(self) -> int:
        return len(self._tenants)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; return when the thread has ended."""
        self._stopping.set()
        self._thread.join()

    def wait_until_ready(self, seconds: float) -> None:
        """Return when the topic was read to its end. Raises TenantsLost when it cannot be, or not within so many seconds."""
        deadline = time.monotonic() + seconds
        while not self.ready.wait(_POLL_SECONDS):
            self.check()
            if time.monotonic() > deadline:
                raise TenantsLost(f"the topic {topic('tenants').name} was not read within {seconds} s; is Kafka overloaded?")

    def check(self) -> None:
        """Raise TenantsLost when the topic can no longer be read."""
        if self._lost is not None:
            raise TenantsLost(f"the topic {topic('tenants').name} cannot be read: {self._lost}")

    def _run(self) -> None:
        try:
            self._read()
        except KafkaException as error:
            self._lost = error.args[0].str()

    def _read(self) -> None:
        # confluent-kafka asks for a group; with assign() and without commits it is only a name.
        config = {**self._connection, "group.id": f"langtrail-tenants-{uuid.uuid4()}", "enable.auto.commit": "false"}
        consumer = Consumer({**config, "auto.offset.reset": "earliest", "enable.partition.eof": "true"})
        try:
            unread = _partitions(consumer, self._request_seconds)
            consumer.assign([TopicPartition(topic("tenants").name, number, OFFSET_BEGINNING) for number in unread])
            while not self._stopping.is_set():
                message = consumer.poll(_POLL_SECONDS)
                if message is not None:
                    self._take(message, unread)
        finally:
            consumer.close()

    def _take(self, message: Message, unread: set[int]) -> None:
        error = message.error()
        if error is None:
            self._update(message.key(), message.value())
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - as above
            unread.discard(message.partition() or 0)
            if not unread:
                self.ready.set()
        elif error.code() not in _PASSING:
            raise KafkaException(error)

    def _update(self, key: bytes | str | None, value: bytes | str | None) -> None:
        tenant_id = key.decode(errors="replace") if isinstance(key, bytes) else ""
        if value is None:
            self._tenants.pop(tenant_id, None)
        else:
            try:
                tenant = decode_tenant(value if isinstance(value, bytes) else value.encode())
            except SchemaError as error:
                _log.error("a record of %s was passed over: %s", topic("tenants").name, error)
                self._metrics.add(Metric.TENANT_RECORDS_MALFORMED)
                tenant = self._tenants.get(tenant_id) or Tenant(tenant_id, 0, policy=_UNREADABLE, policy_revision=_UNREADABLE)
            self._tenants[tenant.tenant_id] = tenant
        self._metrics.set(Metric.TENANTS, value=len(self._tenants))


def _partitions(consumer: Consumer, seconds: int) -> set[int]:
    name = topic("tenants").name
    found = consumer.list_topics(name, timeout=seconds).topics[name]
    if found.error is not None:
        raise KafkaException(found.error)
    return set(found.partitions)
