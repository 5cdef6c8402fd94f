"""What the worker makes of records on a real broker: events, dead letters, and numbers that add up."""

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from langtrail.deploy.process import wait_for
from langtrail.deploy.sample_raw_events import RawRecord, sample_raw_records
from langtrail.processors.tenant import Tenant
from langtrail.processors.tenants import encode_tenant
from langtrail.schemas import DeadLetterHeader, topics

if TYPE_CHECKING:
    from tests.integration.worker.conftest import Cluster, Worker


def tampered(record: RawRecord) -> bytes:
    """Return the record's value with one bit of its sealed content changed."""
    value = bytearray(record.value)
    value[80] ^= 1
    return bytes(value)


def test_poison_is_set_aside_and_the_worker_goes_on(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """Each bad record becomes a dead letter with reason and origin, each good one an event; every record is accounted for."""
    good, (spoilt, uncommitted) = cluster.records(60), cluster.records(2)
    bare = next(sample_raw_records(1, seed=time.time_ns()))
    poison: list[tuple[str, bytes | None]] = [
        ("malformed_record", b"junk"),
        ("malformed_record", None),
        ("malformed_record", uncommitted.value[:-1]),
        ("unknown_schema", b"\x00\x00\x00\x03\xe7" + uncommitted.value[5:]),
        ("broken_seal", tampered(spoilt)),
        ("broken_commitment", bare.value.replace(b"temperature", b"temperaturE", 1)),
    ]
    cluster.produce(good[:30])
    for number, (reason, value) in enumerate(poison):
        cluster.produce_bytes(value, number % 2, spoilt.key, spoilt.headers if reason == "broken_seal" else [])
    cluster.flush()
    cluster.produce(good[30:])
    worker = start_worker()
    worker.until_done_with(66)

    raw = {(message.partition(), message.offset()): message for message in cluster.read("raw")}
    letters = cluster.letters()
    assert Counter(why[DeadLetterHeader.REASON] for _, why in letters) == Counter(reason for reason, _ in poison)
    for letter, why in letters:
        origin = raw[int(why[DeadLetterHeader.PARTITION]), int(why[DeadLetterHeader.OFFSET])]
        assert (letter.key(), letter.value(), letter.partition()) == (origin.key(), origin.value(), origin.partition())
        assert [*(letter.headers() or [])][: len(origin.headers() or [])] == [*(origin.headers() or [])]
        assert int(why[DeadLetterHeader.TIMESTAMP]) == origin.timestamp()[1]
    assert cluster.ids() == cluster.ids_of(good)
    for event in cluster.events():
        assert event["_partition"] == event["seq"] % 2
        assert event["_key"] == event["session_id"].encode()

    for number in range(2):
        label = f'partition="{number}"'
        counted = [worker.metric(f"{name}_total", label) for name in ("records_in", "events_out", "rejected")]
        assert counted[0] == counted[1] + counted[2] == sum(1 for partition, _ in raw if partition == number)
        assert worker.metric("lag_records", label) == 0
    assert worker.get("/live") == (200, "ok")
    assert worker.terminate() == 0
    assert cluster.committed() == 66


def test_nothing_of_the_content_is_said(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """Whatever happens to records, neither log nor metrics nor the headers of dead letters quote their content."""
    some = cluster.records(20)
    cluster.produce(some[:10])
    for record in some[10:]:
        cluster.produce_bytes(tampered(record), 0, b"k", record.headers)
    cluster.flush()
    worker = start_worker()
    worker.until_done_with(20)
    said = worker.said() + worker.get("/metrics")[1] + str([why for _, why in cluster.letters()])
    assert not any(text in said for record in some for text in record.content.values())


def test_withheld_content_is_kept_sealed(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """An event whose content could not be judged goes on without it; the sealed original is a dead letter as well."""
    some = cluster.records(4)
    cluster.produce(some)
    worker = start_worker(step="event.content['params'] = 'no JSON'")
    worker.until_done_with(4)
    assert cluster.ids() == cluster.ids_of(some)
    assert all(event["params"] == '"[WITHHELD]"' for event in cluster.events())
    assert {letter.value() for letter, _ in cluster.letters()} == {record.value for record in some}
    assert {why[DeadLetterHeader.REASON] for _, why in cluster.letters()} == {"withheld"}
    assert [worker.metric(f"{name}_total") for name in ("withheld", "events_out", "rejected")] == [4, 4, 0]


def test_tenants_are_live(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """What is known of a tenant is in its events, and a change of it a moment later, without a restart."""

    def publish(name: str) -> None:
        key, value = encode_tenant(Tenant("acme", 1, name=name, retention_class="regulated"))
        cluster.producer.produce(topics()["tenants"].name, value, key)
        cluster.flush()

    def name_in_next_event() -> Any:
        before = worker.metric("records_in_total")
        cluster.produce(cluster.records(1, tenant_id="acme"))
        assert wait_for(lambda: worker.metric("records_in_total") > before, 10), worker.said()
        last = cluster.events()[-1]
        assert last["retention_class"] == "regulated"
        return last["tenant_name"]

    publish("Acme")
    worker = start_worker().until_ready()
    assert name_in_next_event() == "Acme"
    publish("Acme Corporation")
    assert wait_for(lambda: name_in_next_event() == "Acme Corporation", 10)


def test_faust_s_own_variables_change_nothing(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """A variable that Faust would read by itself, such as BROKER_URL, has no say, and no file is left where the worker ran."""
    theirs = {"BROKER_URL": "kafka://127.0.0.1:1", "WEB_PORT": "1", "APP_DATADIR": "here", "FAUST_DATADIR": "there"}
    cluster.produce(cluster.records(1))
    worker = start_worker(**theirs)
    worker.until_done_with(1)
    assert worker.terminate() == 0
    assert list(worker.directory.iterdir()) == []
