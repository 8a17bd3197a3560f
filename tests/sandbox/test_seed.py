"""Seed files: what they plant, and how they are refused, by line and member."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import SeedRefused, running_sandbox
from kazoo_operator.sandbox.app import STOCK
from tests.sandbox.client import IN_BOTH, Client
from tests.sandbox.credentials import logged_in
from tests.sandbox.process import failure, serving, started

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/sandbox/phones.seed"
ACCOUNT = "accounts:\n- name: Acme\n  realm: acme.example.org\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.seed"


async def planted(path: Path, **more: Any) -> dict[str, Any]:
    """The state of a sandbox with that seed."""
    async with running_sandbox(seed=path, **more) as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        return await Client(session, sandbox).state()


@IN_BOTH
async def test_the_example_is_planted_whole(compat: str) -> None:
    async with (
        running_sandbox(seed=EXAMPLE, compat=compat) as sandbox,
        aiohttp.ClientSession(sandbox.url) as session,
    ):
        nobody = Client(session, sandbox)
        tess = await logged_in(nobody, "tess", "harbor-admin", "harbor.sandbox.example")
        harbor = (await tess.get("/v2/account")).data
        assert (harbor["is_reseller"], harbor["timezone"]) == (True, "America/New_York")
        rows = (await tess.get("/v2/account/descendants")).data
        ids = {row["name"]: row["id"] for row in rows}
        assert set(ids) == {"Harbor Dental", "Harbor Marina"}
        assert (await tess.read(ids["Harbor Marina"]))["enabled"] is False
        dental = f"/v2/accounts/{ids['Harbor Dental']}"
        assert (await tess.get(dental)).data["reseller_id"] == harbor["id"]
        assert (await tess.get(f"{dental}/limits")).data["twoway_trunks"] == 4
        assert (await tess.get(f"{dental}/ledgers/total")).data == {"amount": 15.5}
        assert [row["priv_level"] for row in (await tess.get(f"{dental}/users")).data].count("admin") == 1
        assert set(sandbox.world.services.get(ids["Harbor Dental"]).plans) == {
            sandbox.world.service_plans.named(harbor["id"], name)
            for name in ("Harbor Trunks", "Harbor Seats")
        }
        below = sandbox.world.quantities.below(harbor["id"])
        assert below["limits"] == {"inbound_trunks": 2, "twoway_trunks": 4}
        assert below["account_apps"] == {"voip": 1, "numbers": 1}
        assert (await tess.get("/v2/account/whitelabel")).data["company_name"] == "Harbor Telecom"
        assert set(STOCK) | {"dialer"} == {
            row["name"] for row in (await tess.get("/v2/account/apps_store")).data
        }
        listed = (await tess.get(f"{dental}/apps_store")).data
        assert {row["name"] for row in listed} == set(STOCK) - {"fax"}
        permitted = {row["name"]: row["allowed_users"] for row in listed if "allowed_users" in row}
        assert permitted == {"voip": "all", "numbers": "admins"}


async def test_ids_and_keys_follow_from_the_file(file: Path) -> None:
    file.write_text(ACCOUNT + "- {name: Bolt, realm: bolt.example.org, id: " + "b" * 32 + "}\n")
    first, second = await planted(file), await planted(file)
    assert set(first) == set(second)
    assert "b" * 32 in first
    async with running_sandbox(seed=file) as one, running_sandbox(seed=file) as other:
        assert [account.api_key for account in one.world.accounts.all()] == [
            account.api_key for account in other.world.accounts.all()
        ]


async def test_a_reset_goes_back_to_the_file(file: Path) -> None:
    file.write_text(ACCOUNT)
    async with running_sandbox(seed=file) as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        master = await Client(session, sandbox).log_in(sandbox.identity.master.api_key)
        before = await master.state()
        acme = sandbox.world.accounts.by_realm("acme.example.org")
        assert acme is not None
        await master.delete(f"/v2/accounts/{acme.id}")
        await master.create("Other")
        await master.post("/sandbox/reset")
        assert set(await master.state()) == set(before)


async def test_a_database_that_is_not_fresh_stays_as_it_is(tmp_path: Path, file: Path) -> None:
    file.write_text(ACCOUNT)
    database = tmp_path / "a.db"
    fresh = await planted(file, database=database)
    file.write_text(ACCOUNT + "- {name: Bolt, realm: bolt.example.org}\n")
    assert set(await planted(file, database=database)) == set(fresh)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "accounts: []\nplans: []\n"])
async def test_an_empty_file_plants_what_is_built_in(file: Path, text: str) -> None:
    file.write_text(text)
    assert len(await planted(file)) == 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("accounts:\n- name: Acme\n", 2, "accounts[0].realm: is missing"),
        (ACCOUNT + "  twoWay: 5\n", 4, "accounts[0].twoWay: there is no such member"),
        ("acounts: []\n", 1, "acounts: there is no such member"),
        ("- a\n", 1, "the seed: "),
        (ACCOUNT + "  enabled: yes please\n", 4, "accounts[0].enabled: Input should be a valid boolean"),
        (ACCOUNT + "  name: Twice\n", 4, "accounts[0].name: stands there twice"),
        (ACCOUNT + "  id: short\n", 4, "accounts[0].id: String should match pattern"),
        (ACCOUNT + "  apiKey: " + "k" * 63 + "\n", 4, "accounts[0].apiKey: String should match pattern"),
        (ACCOUNT + "  parent: nobody.example.org\n", 4, "accounts[0].parent: no account above has the realm"),
        (ACCOUNT + "  document:\n    timezone: UTC\n", 5, "accounts[0].document.timezone: String must be"),
        (ACCOUNT + "  document: {name: Other}\n", 4, "accounts[0].document.name: stands beside the document"),
        (ACCOUNT + "  document: {since: 2026-01-01}\n", 4, "accounts[0].document.since: "),
        (ACCOUNT + "- {name: a-c.m e, realm: b.example.org}\n", 4, "accounts[1].name: Account name already"),
        (ACCOUNT + "- {name: B, realm: ACME.example.org}\n", 4, "accounts[1].realm: Account realm already"),
        (ACCOUNT + "  limits: {twoway_trunks: -5}\n", 4, "accounts[0].limits.twoway_trunks: Value must be"),
        (ACCOUNT + "  plans: [Platinum]\n", 4, "accounts[0].plans[0]: its reseller sells no plan"),
        (ACCOUNT + "  ledgers:\n  - {id: a, amount: 25.0}\n", 5, "ledgers[0].amount: Input should"),
        (ACCOUNT + "  ledgers:\n  - {id: a, amount: '1'}\n  - {id: a, amount: '2'}\n", 6, "has this entry"),
        (
            ACCOUNT + "  users:\n  - {username: a b, password: x, firstName: A, lastName: B}\n", 5,
            "accounts[0].users[0].username: Failed to match pattern",
        ),
        ("plans:\n- {name: Gold, plan: {}}\n- {name: Gold, plan: {}}\n", 3, "plans[1].name: its vendor"),
        ("plans:\n- {name: Gold, vendor: x.example.org, plan: {}}\n", 2, "plans[0].vendor: no account above"),
        ("apps:\n- {name: voip}\n", 2, "apps[0].name: its vendor offers another app of this name"),
        ("apps:\n- {name: dialer, vendor: x.example.org}\n", 2, "apps[0].vendor: no account above"),
        ("apps:\n- {name: dialer, document: {name: x}}\n", 2, "apps[0].document.name: stands beside"),
        ("apps:\n- {name: ab}\n", 2, "apps[0].name: String should have at least 3 characters"),
        (ACCOUNT + "  blacklist: [fax, viop]\n", 4, "accounts[0].blacklist[1]: the account is offered"),
        (ACCOUNT + "  apps:\n    viop: all\n", 5, "accounts[0].apps.viop: the account is offered no app"),
        (ACCOUNT + "  apps: {voip: everybody}\n", 4, "accounts[0].apps.voip: Input should be 'all'"),
        (ACCOUNT + "  whitelabel: {domain: 5}\n", 4, "accounts[0].whitelabel.domain: Value did not match"),
        (
            ACCOUNT + "  whitelabel: {domain: Portal.sandbox.example}\n", 4,
            "accounts[0].whitelabel.domain: another account has this domain",
        ),
        (ACCOUNT + "- {name: [\n", 5, ""),
        ("a: 1\n--- \nb: 2\n", 2, "but found another document"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_by_line_and_member(
    file: Path, text: str, line: int, said: str
) -> None:
    file.write_text(text)
    with pytest.raises(SeedRefused) as refused:
        await planted(file)
    told = str(refused.value)
    assert told.startswith(f"{file}:{line}: "), told
    assert said in told


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: &a [*a]\n", b"[" * 5000, b"a: \x00"])
async def test_what_is_no_text_or_has_no_end_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SeedRefused):
        await planted(file)


async def test_a_refused_file_leaves_the_database_free(tmp_path: Path, file: Path) -> None:
    file.write_text(ACCOUNT + "  parent: nobody.example.org\n")
    with pytest.raises(SeedRefused):
        await planted(file, database=tmp_path / "a.db")
    file.write_text(ACCOUNT)
    assert len(await planted(file, database=tmp_path / "a.db")) == 3


async def test_the_command_takes_a_seed_and_tells_what_is_wrong_with_one(file: Path) -> None:
    async with (
        serving("--seed", str(EXAMPLE)) as (_, ready),
        aiohttp.ClientSession(ready["url"]) as session,
        session.get("/sandbox/state") as response,
    ):
        assert len((await response.json())["accounts"]) == 5
    file.write_text(ACCOUNT + "  twoWay: 5\n")
    for path, said in ((file, f"Error: {file}:4: "), (file.with_name("no"), "No such file")):
        code, told = await failure(await started("--port", "0", "--seed", str(path)))
        assert (code, "Traceback" in told) == (1, False)
        assert said in told


def test_seeds_among_the_examples_are_no_manifests() -> None:
    names = [path.name for path in EXAMPLE.parent.iterdir()]
    assert EXAMPLE.name in names
    assert not [name for name in names if name.endswith((".yaml", ".yml", ".json"))]
