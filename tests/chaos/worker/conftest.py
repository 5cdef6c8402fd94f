"""What the tests of workers under rebalances share: the broker and the workers of the integration tests."""

from tests.integration.worker.conftest import cluster, start_worker

__all__ = ["cluster", "start_worker"]
