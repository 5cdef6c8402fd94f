"""Kafka's producer as the sender sees it, without a Kafka: what waits, what is refused, what ends a wait."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError

from langtrail.producer import ProducerSettings, SettingsError
from langtrail.producer.outlet import Outlet, check_kafka_config

Wait = Callable[[Callable[[], object], float, str], None]

NOWHERE = ProducerSettings(bootstrap_servers="127.0.0.1:1", app="tests")


def messages_in(outlet: Outlet) -> int:
    """Return how many messages wait; what librdkafka wants to say of the absent broker waits with them until it is heard."""
    outlet.poll(0)
    return outlet.waiting


def unexpected(error: Any, _message: Any) -> None:
    """Fail: nothing is to be refused."""
    raise AssertionError(error)


def test_a_full_queue_is_waited_for_until_the_sender_stops(wait_until: Wait) -> None:
    """Librdkafka's BufferError is no loss: nothing is skipped, and who stops need not wait for Kafka."""
    stopping, entered = threading.Event(), threading.Event()
    outlet = Outlet({**NOWHERE.librdkafka(), "queue.buffering.max.messages": 5}, stopping.is_set)

    def messages() -> Any:
        for number in range(50):
            if number == 5:
                entered.set()
            yield b"key", b"value %d" % number

    sending = threading.Thread(target=outlet.send, args=(messages(), [], unexpected), kwargs={"gently": False})
    sending.start()
    assert entered.wait(10)
    assert sending.is_alive()
    wait_until(lambda: messages_in(outlet) == 5, 10, "five messages")
    stopping.set()
    sending.join(10)
    assert not sending.is_alive()
    wait_until(lambda: messages_in(outlet) == 5, 10, "five messages")
    outlet.close()
    assert outlet.waiting == 0


def test_what_librdkafka_itself_refuses_is_refused_for_good(wait_until: Wait) -> None:
    """A message over message.max.bytes never reaches Kafka; the ones beside it are sent."""
    refused: list[KafkaError] = []
    outlet = Outlet(NOWHERE.librdkafka(), lambda: False)
    messages = [(b"key", b"small"), (b"key", bytes(17 << 20)), (b"key", b"small")]
    outlet.send(messages, [], lambda error, _: refused.append(error), gently=True)
    assert [error.code() for error in refused] == [KafkaError.MSG_SIZE_TOO_LARGE]
    wait_until(lambda: messages_in(outlet) == 2, 10, "two messages")
    outlet.close()


def test_a_closed_outlet_waits_for_nothing() -> None:
    """Its messages are in the spool; closing twice is no error, and polling none either."""
    outlet = Outlet(NOWHERE.librdkafka(), lambda: False)
    outlet.send([(b"key", b"value")], [], unexpected, gently=False)
    outlet.close()
    outlet.close()
    outlet.poll(10)
    assert outlet.waiting == 0


@pytest.mark.parametrize("pair", [("no.such.property", "1"), ("linger.ms", "soon"), ("security.protocol", "sasl_ssl")])
def test_a_property_that_cannot_be_used_is_told_by_the_variables_name(pair: tuple[str, str]) -> None:
    """At construction, and without its value where that may be a password."""
    settings = ProducerSettings(bootstrap_servers="127.0.0.1:1", kafka_config=(pair, ("sasl.password", "hunter2")))
    with pytest.raises(SettingsError, match="LANGTRAIL_KAFKA_CONFIG_FILE") as refused:
        check_kafka_config(settings)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("broker", "is_refused"), [("", False), ("127.0.0.1:1", True)])
def test_without_a_broker_the_properties_are_not_looked_at(broker: str, is_refused: bool) -> None:
    """The spool alone is the log then."""
    settings = ProducerSettings(bootstrap_servers=broker, kafka_config=(("no.such.property", "1"),))
    try:
        check_kafka_config(settings)
    except SettingsError:
        assert is_refused
    else:
        assert not is_refused
