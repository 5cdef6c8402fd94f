"""Kafka topics as the contract has them: what is missing is created, what is there is never changed."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from langtrail.schemas import Topic, topics

from .errors import CannotRun

_BROKERS_DEFAULT = -1


class TopicError(CannotRun):
    """The topics cannot be looked at or created; the text is one sentence that says what to do."""


def create_topics(
    bootstrap_servers: str,
    *,
    config: Mapping[str, str] | None = None,
    warn: Callable[[str], None] = lambda _: None,
    timeout_seconds: float = 30,
) -> list[str]:
    """Create the contract's topics that the cluster lacks and return their names; safe to run again, and by two at once.

    The replication factor is the cluster's own default. `config` holds further librdkafka properties (TLS, SASL). `warn` is
    told, in one sentence each, of topics that have another number of partitions than the contract. Raises TopicError.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0, **(config or {})})
    try:
        there = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=timeout_seconds).topics.items()}
        for sentence in differences(there):
            warn(sentence)
        missing = [topic for topic in topics().values() if topic.name not in there]
        # One call even for none would wait for the controller.
        created = admin.create_topics([_new(topic) for topic in missing], operation_timeout=timeout_seconds) if missing else {}
        return [name for name, future in created.items() if _is_created(future, timeout_seconds)]
    except KafkaException as error:
        raise TopicError(f"Kafka at {bootstrap_servers} did not create the topics: {error.args[0].str()}") from None


def differences(partitions: Mapping[str, int]) -> list[str]:
    """Return a sentence for each topic of the contract that has another number of partitions in a cluster."""
    return [
        f"topic {topic.name} has {found} partitions, langtrail creates {topic.partitions}: "
        "langtrail.raw and langtrail.events must have the same number, and it must never change"
        for topic in topics().values()
        if (found := partitions.get(topic.name, topic.partitions)) != topic.partitions
    ]


def _new(topic: Topic) -> NewTopic:
    return NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=_BROKERS_DEFAULT, config=topic.config())


def _is_created(future: "Future[None]", timeout_seconds: float) -> bool:
    try:
        future.result(timeout_seconds)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:  # another process was faster
            return False
        raise
    return True
