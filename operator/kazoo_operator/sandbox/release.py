"""The KAZOO releases that are imitated, and every point in which they differ.

What follows from a difference stands where it matters; here it only has a name (Crossbar API, version
differences).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """One release; each member answers one question about it."""

    name: str
    """What `--compat` calls it."""
    version: str
    """What envelopes print."""

    writes_while_validating: bool
    """An update of an account is merged into the stored document while it is validated; else it replaces."""
    parent_disables_at_birth: bool
    """`enabled: false` in a create counts also when the parent itself sends it."""
    stores_enabled_at_birth: bool
    """A created document holds `enabled` also publicly, until its first update."""
    create_says_revision: bool
    """A good create answers with `revision` and `Location`."""
    first_child_is_rolled_back: bool
    """A reseller that was promoted without accounts below it cannot make one."""
    has_blacklists: bool
    """Accounts know the field `blacklists`."""

    counts_tokens: bool
    """Envelopes tell what is left in the rate bucket."""
    charges_known_tokens: bool
    """A request with a good token draws from the rate bucket; else only those without one, and logins."""
    names_missing_token: bool
    """A refusal without a token says `"auth_token": "undefined"`."""
    tells_version_to_all: bool
    """Envelopes say the version also to those without a token."""
    types_early_refusals: bool
    """Refusals made before Accept was looked at name their Content-Type."""
    reports_every_kind: bool
    """Of several faults at one path all are told; else the last that is looked at."""
    prints_null_values: bool
    """Validation errors of accounts repeat a value that is null."""
    has_v1: bool
    """The API v1 is served; else it is gone."""
    expiry_comes_first: bool
    """An expired token is refused before noun, verb and account, in words of its own."""

    lists_turn: bool
    """Lists of accounts, callflows and users descend unless `ascending=true`; else they always ascend."""
    refuses_page_sizes: bool
    """A page size that is none is 404; else it is ignored."""
    tree_says_realms: bool
    """The rows of `/tree` hold `realm` and `flags`."""
    own_parents: bool
    """`/parents` of the caller's own account lists everything above it."""
    parents_read_all: bool
    """`/parents` crashes in a cluster of more than a page of accounts."""

    limits_as_of_the_system: bool
    """Limits are validated with the table of the system's defaults, and stored with all of them."""
    counts_accounts: bool
    """Accounts themselves are counted for bills."""
    loses_manual_of_resellers: bool
    """The first quantities that are set by hand for a reseller are not stored."""
    audits_have_own_path: bool
    """The audits of services are summed up at `/audit_summary`; else at `/audit/summary`."""
    has_new_devices: bool
    """Devices may be applications and call-through units."""

    books_texts: bool
    """A booking's amount may be a text that holds a number."""
    loses_long_chunks: bool
    """A chunked list comes out empty if it is not a short one."""

    plain_dots: bool
    """The dots in error paths of callflows and ledgers are not escaped."""
    patches_missing: bool
    """A PATCH of a callflow or user that is not there is validated first."""
    posts_users_if_match: bool
    """The right If-Match lets a POST of a user pass; else none does."""
    posts_users_as_additions: bool
    """A POST of a user that is there already counts as one more, also where its level stays."""
    number_taken: str
    """The text of a number that another callflow has."""
    emergency: str
    """The regular expression of emergency numbers."""


V5_0 = Release(
    name="5.0",
    version="5.0.0",
    writes_while_validating=True,
    parent_disables_at_birth=False,
    stores_enabled_at_birth=False,
    create_says_revision=False,
    first_child_is_rolled_back=True,
    has_blacklists=False,
    counts_tokens=True,
    charges_known_tokens=False,
    names_missing_token=False,
    tells_version_to_all=False,
    types_early_refusals=False,
    reports_every_kind=False,
    prints_null_values=True,
    has_v1=False,
    expiry_comes_first=True,
    lists_turn=True,
    refuses_page_sizes=True,
    tree_says_realms=False,
    own_parents=True,
    parents_read_all=True,
    limits_as_of_the_system=False,
    books_texts=True,
    loses_long_chunks=False,
    counts_accounts=True,
    plain_dots=True,
    loses_manual_of_resellers=True,
    audits_have_own_path=False,
    has_new_devices=True,
    patches_missing=True,
    posts_users_if_match=False,
    posts_users_as_additions=True,
    number_taken="Number {number} exists in callflow {name} {id}",
    emergency="^(911|922|933|833|811|711|999)$",
)

V4_3 = Release(
    name="4.3",
    version="4.3.0",
    writes_while_validating=False,
    parent_disables_at_birth=True,
    stores_enabled_at_birth=True,
    create_says_revision=True,
    first_child_is_rolled_back=False,
    has_blacklists=True,
    counts_tokens=False,
    charges_known_tokens=True,
    names_missing_token=True,
    tells_version_to_all=True,
    types_early_refusals=True,
    reports_every_kind=True,
    prints_null_values=False,
    has_v1=True,
    expiry_comes_first=False,
    lists_turn=False,
    refuses_page_sizes=False,
    tree_says_realms=True,
    own_parents=False,
    parents_read_all=False,
    limits_as_of_the_system=True,
    books_texts=False,
    loses_long_chunks=True,
    counts_accounts=False,
    plain_dots=False,
    loses_manual_of_resellers=False,
    audits_have_own_path=True,
    has_new_devices=False,
    patches_missing=False,
    posts_users_if_match=True,
    posts_users_as_additions=False,
    number_taken="{number} exists in callflow {name} ({id})",
    emergency="^(911|922|933|988|833|811|711|999)$",
)

RELEASES = {release.name: release for release in (V5_0, V4_3)}
"""All of them by name."""
