"""topics.toml as values: the topics of the contract, and what Kafka is told of each."""

import pytest

from langtrail.schemas import Topic, topic, topics

NAMES = {
    "raw": "langtrail.raw",
    "events": "langtrail.events",
    "dead_letters": "langtrail.dead-letters",
    "tenants": "langtrail.tenants",
    "checkpoints": "langtrail.checkpoints",
}
DAY_MS = 86_400_000
MIB = 1024 * 1024

every_topic = pytest.mark.parametrize("named", topics().values(), ids=list(topics()))


def test_the_topics_are_those_of_the_contract() -> None:
    """Five topics, each under its short name."""
    assert {short: known.name for short, known in topics().items()} == NAMES
    assert topic("raw") is topics()["raw"]
    with pytest.raises(KeyError):
        topic("langtrail.raw")


@every_topic
def test_a_topic_says_what_it_is_for(named: Topic) -> None:
    """Description, key, producers and consumers are there for people to read."""
    assert named.description.endswith(".")
    assert named.key
    assert named.producers
    assert named.consumers


def test_retention_is_what_is_promised() -> None:
    """Raw and redacted events are kept a week, dead letters a month, tenants and evidence for ever."""
    days = {short: known.retention_days for short, known in topics().items()}
    assert days == {"raw": 7, "events": 7, "dead_letters": 30, "tenants": -1, "checkpoints": -1}


def test_events_have_the_partitions_of_raw() -> None:
    """A worker writes to the number it read from, so raw events, events and dead letters have as many partitions."""
    assert topic("raw").partitions == topic("events").partitions == topic("dead_letters").partitions


def test_a_dead_letter_holds_whatever_was_rejected() -> None:
    """The largest record of any input, and headers of its own besides, fit into the dead letters; they outlive their input."""
    largest = max(topic("raw").max_message_bytes, topic("events").max_message_bytes)
    assert topic("dead_letters").max_message_bytes >= largest + MIB
    assert topic("dead_letters").retention_days > max(topic("raw").retention_days, topic("events").retention_days)


def test_an_event_holds_what_its_raw_event_held() -> None:
    """Redaction may make a text longer, so events may be at least as large as raw events; both hold 8 MiB of content."""
    assert topic("events").max_message_bytes >= topic("raw").max_message_bytes >= 2 * 8 * MIB


def test_only_the_last_record_of_a_tenant_counts() -> None:
    """Tenants are compacted; what is evidence is never compacted away."""
    assert {short for short, known in topics().items() if known.cleanup_policy == "compact"} == {"tenants"}


def test_arrival_is_told_by_the_broker() -> None:
    """Raw events carry the broker's clock, against which a producer's is judged; everything else keeps its sender's."""
    assert {short for short, known in topics().items() if known.timestamp_type == "LogAppendTime"} == {"raw"}


@every_topic
def test_config_is_in_kafkas_words(named: Topic) -> None:
    """The configuration has Kafka's names, texts only, and days as milliseconds."""
    days = named.retention_days
    assert named.config() == {
        "cleanup.policy": named.cleanup_policy,
        "retention.ms": "-1" if days < 0 else str(days * DAY_MS),
        "max.message.bytes": str(named.max_message_bytes),
        "message.timestamp.type": named.timestamp_type,
    }
