"""What a worker needs of a real broker before it begins: offsets, tenants, a producer that is sure."""

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from langtrail.deploy.process import wait_for
from langtrail.deploy.topics import create_topics
from langtrail.processors import start_offsets
from langtrail.processors.delivery import Delivery, DeliveryFailed
from langtrail.processors.metrics import Metrics
from langtrail.processors.records import Outgoing
from langtrail.processors.start_offsets import CannotConsume, check_start
from langtrail.processors.tenant import Tenant
from langtrail.processors.tenants import Tenants, TenantsLost, encode_tenant
from langtrail.schemas import topics

RAW, TENANTS = topics()["raw"].name, topics()["tenants"].name


@pytest.fixture
def admin(kafka_broker: str) -> AdminClient:
    """Return a client for topics; its answers come only as long as it lives."""
    return AdminClient({"bootstrap.servers": kafka_broker, "log_level": 0})


@pytest.fixture
def connection(kafka_broker: str, admin: AdminClient) -> dict[str, str]:
    """Return the connection of a broker with fresh topics."""
    for future in admin.delete_topics([topic.name for topic in topics().values()]).values():
        try:
            future.result()
        except KafkaException:
            continue

    def has_all() -> bool:
        create_topics(kafka_broker)
        return admin.list_topics(timeout=10).topics.keys() >= {topic.name for topic in topics().values()}

    assert wait_for(has_all, 20)
    return {"bootstrap.servers": kafka_broker, "log_level": "0"}


def produce(connection: dict[str, str], topic: str, *records: tuple[bytes, bytes | None]) -> None:
    """Write keys and values into the first partition of a topic."""
    producer = Producer(connection)
    for key, value in records:
        producer.produce(topic, value, key, 0)
    assert producer.flush(10) == 0


def offsets(connection: dict[str, str], group: str) -> list[int]:
    """Return the group's offsets in langtrail.raw."""
    consumer = Consumer({**connection, "group.id": group})
    found = consumer.committed([TopicPartition(RAW, number) for number in range(2)], timeout=10)
    consumer.close()
    return [partition.offset for partition in found]


def commit(connection: dict[str, str], group: str, offset: int) -> None:
    """Write an offset of the first partition down for a group."""
    consumer = Consumer({**connection, "group.id": group})
    consumer.commit(offsets=[TopicPartition(RAW, 0, offset)], asynchronous=False)
    consumer.close()


def test_a_new_group_begins_at_the_oldest_record(admin: AdminClient, connection: dict[str, str], unique_name: str) -> None:
    """A group without offsets gets the oldest ones written down, before any worker runs."""
    produce(connection, RAW, *((b"k", b"v") for _ in range(5)))
    for removed in admin.delete_records([TopicPartition(RAW, 0, 2)]).values():
        removed.result()
    assert check_start(connection, unique_name) == 2
    assert offsets(connection, unique_name) == [2, 0]


def test_a_known_group_goes_on_where_it_was(connection: dict[str, str], unique_name: str) -> None:
    """An offset that is there is kept."""
    produce(connection, RAW, *((b"k", b"v") for _ in range(5)))
    commit(connection, unique_name, 3)
    check_start(connection, unique_name)
    assert offsets(connection, unique_name) == [3, 0]


@pytest.mark.parametrize("offset", [1, 99])
def test_an_offset_that_the_topic_does_not_have_is_refused(
    admin: AdminClient, offset: int, connection: dict[str, str], unique_name: str
) -> None:
    """Too old or not yet there: the sentence names offset, group and what to do; nothing is changed."""
    produce(connection, RAW, *((b"k", b"v") for _ in range(5)))
    for removed in admin.delete_records([TopicPartition(RAW, 0, 2)]).values():
        removed.result()
    commit(connection, unique_name, offset)
    with pytest.raises(CannotConsume, match=rf"offset {offset} of langtrail\.raw\[0\].*--group {unique_name}"):
        check_start(connection, unique_name)
    assert offsets(connection, unique_name)[0] == offset


def test_a_missing_topic_is_named(admin: AdminClient, connection: dict[str, str], unique_name: str) -> None:
    """Without its topics a worker says which and how to get them."""
    admin.delete_topics([TENANTS])[TENANTS].result()
    assert wait_for(lambda: TENANTS not in admin.list_topics(timeout=10).topics, 10)
    with pytest.raises(CannotConsume, match=f"no topic {TENANTS}; run `langtrail migrate`"):
        check_start(connection, unique_name)


def test_an_unreachable_broker_is_named(unique_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the servers and the variable they come from."""
    monkeypatch.setattr(start_offsets, "_REQUEST_SECONDS", 0.5)
    with pytest.raises(CannotConsume, match=r"127\.0\.0\.1:1 .*LANGTRAIL_BOOTSTRAP_SERVERS"):
        check_start({"bootstrap.servers": "127.0.0.1:1", "log_level": "0"}, unique_name, patience_seconds=0)


@pytest.fixture
def read_tenants(connection: dict[str, str]) -> Iterator[Callable[[], Tenants]]:
    """Return a function that starts a table and waits until it is read."""
    tables: list[Tenants] = []

    def read() -> Tenants:
        tables.append(Tenants(connection, Metrics()))
        tables[-1].start()
        tables[-1].wait_until_ready(20)
        return tables[-1]

    yield read
    for table in tables:
        table.stop()


def test_tenants_are_read_and_followed(connection: dict[str, str], read_tenants: Callable[[], Tenants]) -> None:
    """A table is ready with all tenants that there are, and later records change it."""
    assert dict(read_tenants()) == {}
    produce(connection, TENANTS, encode_tenant(Tenant("acme", 1)), encode_tenant(Tenant("other", 1)))
    tenants = read_tenants()
    assert tenants.keys() == {"acme", "other"}
    produce(connection, TENANTS, encode_tenant(Tenant("acme", 2, name="Acme")), (b"other", None))
    assert wait_for(lambda: dict(tenants) == {"acme": Tenant("acme", 2, name="Acme")}, 10)
    tenants.check()


def test_tenants_that_cannot_be_read_are_lost(admin: AdminClient, connection: dict[str, str]) -> None:
    """A worker must not go on without knowing its tenants: the table says so instead of becoming ready."""
    admin.delete_topics([TENANTS])[TENANTS].result()
    assert wait_for(lambda: TENANTS not in admin.list_topics(timeout=10).topics, 10)
    tenants = Tenants(connection, Metrics())
    tenants.start()
    with pytest.raises(TenantsLost, match=TENANTS):
        tenants.wait_until_ready(20)
    with pytest.raises(TenantsLost):
        tenants.check()


async def delivered(delivery: Delivery, records: list[Outgoing], begun: int) -> None:
    """Write records, some of them while the others are still to come."""
    await delivery.begin(records[:begun])
    await delivery.deliver(records[begun:])


@pytest.mark.parametrize("begun", [0, 40, 100])
def test_delivery_returns_when_kafka_has_everything(
    begun: int, admin: AdminClient, connection: dict[str, str], unique_name: str
) -> None:
    """Every record is in the partition that it names, with its key and headers, when the call returns."""
    admin.create_topics([NewTopic(unique_name, num_partitions=2)])[unique_name].result()
    some = [Outgoing(unique_name, number % 2, b"k", b"%d" % number, [("h", None), ("h", b"1")]) for number in range(100)]
    asyncio.run(delivered(Delivery(connection, 10, 1_000_000), some, begun))
    consumer = Consumer({**connection, "group.id": unique_name})
    consumer.assign([TopicPartition(unique_name, 1, 0)])
    messages = consumer.consume(50, timeout=10)
    consumer.close()
    assert [message.value() for message in messages] == [b"%d" % number for number in range(1, 100, 2)]
    assert messages[0].headers() == [("h", None), ("h", b"1")]


@pytest.mark.parametrize("begun", [0, 2])
def test_delivery_fails_when_a_record_was_not_taken(
    begun: int, admin: AdminClient, connection: dict[str, str], unique_name: str
) -> None:
    """One record that Kafka refuses fails the batch, and the text says why."""
    created = NewTopic(unique_name, num_partitions=1, config={"max.message.bytes": "1000"})
    admin.create_topics([created])[unique_name].result()
    delivery = Delivery(connection, 10, 1_000_000)
    some = [Outgoing(unique_name, 0, None, b"x"), Outgoing(unique_name, 0, None, os.urandom(5000))]
    with pytest.raises(DeliveryFailed, match="MSG_SIZE_TOO_LARGE"):
        asyncio.run(delivered(delivery, some, begun))


def test_delivery_fails_when_kafka_does_not_answer(unique_name: str) -> None:
    """A broker that is away ends the wait after the given seconds."""
    delivery = Delivery({"bootstrap.servers": "127.0.0.1:1", "log_level": "0"}, 1, 1_000_000)
    with pytest.raises(DeliveryFailed):
        asyncio.run(delivery.deliver([Outgoing(unique_name, 0, None, b"x")]))
