from __future__ import annotations

import pytest

from kazoo_operator.core.custom_resource import Key
from kazoo_operator.kube.cache import Cache
from tests.kube.objects import KEY, account, ready, said


def shown(cache: Cache, key: Key = KEY) -> dict[str, object]:
    entry = cache.get(key)
    assert entry is not None
    return entry.body


def test_an_event_from_before_our_own_write_is_old_news() -> None:
    cache = Cache()
    cache.put("Account", account(105, status={"observedGeneration": 1}))
    assert cache.put("Account", account(104)) is None
    assert cache.put("Account", account(105)) is None, "our own write comes back as an event"
    assert shown(cache)["status"] == {"observedGeneration": 1}


def test_a_late_deletion_of_an_earlier_object_leaves_its_successor() -> None:
    cache = Cache()
    cache.put("Account", account(120, uid="uid-2"))
    assert not cache.remove(KEY, "110")
    assert KEY in cache


def test_what_a_pass_has_done_outlives_changes_but_not_another_object_of_the_name() -> None:
    cache = Cache()
    cache.put("Account", account(100))
    entry = cache.get(KEY)
    assert entry is not None
    entry.attempted, entry.open, entry.unwritten = 1, True, said()
    cache.put("Account", account(101, generation=2))
    changed = cache.get(KEY)
    assert changed is not None
    assert (changed.attempted, changed.open, changed.unwritten) == (1, True, said())
    cache.put("Account", account(102, uid="uid-2"))
    other = cache.get(KEY)
    assert other is not None
    assert (other.attempted, other.open, other.unwritten) == (-1, False, None)


def test_managed_fields_and_the_last_applied_copy_are_not_kept() -> None:
    body = account(100, name="acme", realm="acme.example")
    body["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": "{...}",
        "kazoo-operator.io/reconcile-now": "1",
    }
    cache = Cache()
    cache.put("Account", body)
    metadata = shown(cache)["metadata"]
    assert isinstance(metadata, dict)
    assert "managedFields" not in metadata
    assert metadata["annotations"] == {"kazoo-operator.io/reconcile-now": "1"}
    assert "managedFields" in body["metadata"], "the event itself is left alone"


def test_a_listing_drops_what_it_does_not_hold() -> None:
    cache = Cache()
    for name in ("acme", "gone"):
        cache.put("Account", account(100, name=name))
    cache.listing_starts("Account", "", "200")
    lost = cache.listing_ends("Account", "", "200", [KEY])
    assert lost == [Key("Account", "default", "gone")]
    assert list(cache) == [KEY]


def test_a_listing_keeps_what_was_made_while_it_came_in() -> None:
    cache = Cache()
    cache.listing_starts("Account", "", "200")
    cache.put("Account", account(201))
    assert cache.listing_ends("Account", "", "200", []) == []
    assert KEY in cache


def test_a_listing_does_not_bring_back_what_was_deleted_while_it_came_in() -> None:
    cache = Cache()
    cache.put("Account", account(100))
    cache.listing_starts("Account", "", "200")
    assert cache.remove(KEY, "201")
    assert cache.put("Account", account(100)) is None, "the listing saw it before it was deleted"
    cache.listing_ends("Account", "", "200", [KEY])
    assert KEY not in cache


def test_an_event_from_before_a_listing_does_not_bring_back_what_the_listing_did_not_hold() -> None:
    cache = Cache()
    cache.put("Account", account(100))
    cache.listing_starts("Account", "", "200")
    cache.listing_ends("Account", "", "200", [])
    assert cache.put("Account", account(150)) is None
    assert cache.put("Account", account(201, uid="uid-2")) is not None, "a new one of that name is seen"


def test_a_listing_of_one_namespace_says_nothing_of_another() -> None:
    cache = Cache()
    other = Key("Account", "elsewhere", "acme")
    cache.put("Account", account(100))
    cache.put("Account", account(100, namespace="elsewhere"))
    cache.listing_starts("Account", "default", "200")
    assert cache.listing_ends("Account", "default", "200", []) == [KEY]
    assert list(cache) == [other]
    assert cache.put("Account", account(150, namespace="elsewhere")) is not None


def test_a_history_that_was_rewound_is_believed() -> None:
    reason = "etcd restored from a backup counts from an earlier version on"
    cache = Cache()
    cache.put("Account", account(900, timezone="UTC"))
    cache.put("Account", account(900, name="younger"))
    cache.listing_starts("Account", "", "900")
    cache.listing_ends("Account", "", "900", [KEY, Key("Account", "default", "younger")])
    cache.listing_starts("Account", "", "500")
    assert cache.put("Account", account(400, timezone="Europe/Oslo")) is not None, reason
    lost = cache.listing_ends("Account", "", "500", [KEY])
    assert lost == [Key("Account", "default", "younger")]
    assert cache.put("Account", account(501, timezone="Asia/Tokyo")) is not None


def test_the_rate_of_resyncs_is_that_of_the_objects_there_are() -> None:
    cache = Cache()
    cache.put("Account", account(1, name="a", resyncInterval="100s"))
    cache.put("Account", account(2, name="b", resyncInterval="50s"))
    cache.put("Account", account(3, name="b", resyncInterval="100s"))
    assert cache.passes_per_second() == {None: pytest.approx(0.02)}
    cache.remove(Key("Account", "default", "a"), "4")
    cache.forget(Key("Account", "default", "b"))
    assert cache.passes_per_second() == {}


def test_the_rate_of_resyncs_is_told_by_backend_and_of_those_without_one_together() -> None:
    cache, eu = Cache(), Key("TelephonyBackend", "default", "eu")
    cache.put("Account", account(1, name="a", resyncInterval="100s", backendRef={"name": "eu"}))
    cache.put("Account", account(2, name="b", resyncInterval="100s"))
    cache.put("Account", account(3, name="c", resyncInterval="100s", namespace="other"))
    assert cache.passes_per_second() == {None: pytest.approx(0.03)}, "the TelephonyBackend is not there"
    cache.put("TelephonyBackend", account(4, name="eu"))
    assert cache.passes_per_second() == {None: pytest.approx(0.02), eu: pytest.approx(0.03)}


def test_who_was_woken_for_a_new_generation_is_not_woken_again_when_that_is_ready_too() -> None:
    cache, moved = Cache(), []
    cache.moved = moved.append
    cache.put("Account", account(1, generation=1, status=ready()))
    cache.put("Account", account(2, generation=2, status=ready()))
    cache.put("Account", account(3, generation=2, status=ready(generation=2)))
    assert moved == [KEY, KEY]
    stalled = {"type": "Ready", "status": "False", "reason": "Rejected"}
    cache.put("Account", account(4, generation=2, status={"observedGeneration": 2, "conditions": [stalled]}))
    assert moved == [KEY] * 3
