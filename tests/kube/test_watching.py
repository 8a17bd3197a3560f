from __future__ import annotations

from kazoo_operator.kube.watching import settings


def test_kopf_neither_writes_nor_scans_nor_kills() -> None:
    ours = settings()
    assert ours.posting.enabled is False
    assert ours.scanning.disabled is True
    assert ours.process.ultimate_exiting_timeout is None, "ten minutes after its end it would kill us"
    assert ours.queueing.worker_limit is None, "with a limit, idle workers keep their slots"
    assert ours.queueing.idle_timeout == 0.1, "with 0 Python 3.11 loops for ever"
    assert sum(ours.networking.error_backoffs) > 60, "a minute of trying before it gives up"  # type: ignore[arg-type]
