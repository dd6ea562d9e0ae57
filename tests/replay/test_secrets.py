"""No secret of a station is in a recording, wherever it stands; and a recording without them goes as it went."""

import base64
import gzip
import io
import random
import string
from pathlib import Path
from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.certificates import InstallCertificate
from chargepointd.core.charging.profile import Profile
from chargepointd.core.charging.profiles import SetChargingProfile
from chargepointd.core.customer import GiveCustomerInformation
from chargepointd.core.firmware import UpdateFirmware
from chargepointd.core.local_list import SendLocalList, ShowToken
from chargepointd.core.plan import FirmwarePlan
from chargepointd.core.reservation import ReserveNow
from chargepointd.core.tariff import SetUserPrice
from chargepointd.core.values import Signed, Token, TokenInfo
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.daemon.pseudonyms import Pseudonyms
from chargepointd.daemon.recording import read, write
from chargepointd.dialects.v2.charging import profile as told
from tests.core.world import PLAN, World
from tests.replay.replaying import differing


def told_otherwise(vendors: str) -> Profile:
    """A profile that is kept with its request: for a time in other words, and for what a vendor adds."""
    profile = {
        "id": 7,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "startSchedule": "2027-01-01T00:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
            }
        ],
        "customData": {"vendorId": "com.example", "plant": {"ticket": vendors}},
    }
    return told(profile, 1)


class Secrets:
    """Makes them, and knows them all."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.all: list[str] = []

    def __call__(self, length: int, letters: str = string.ascii_uppercase + string.digits) -> str:
        made = "".join(self._chance.choice(letters) for _ in range(length))
        self.all.append(made)
        return made

    def words(self) -> str:
        return " ".join(self(9, string.ascii_lowercase).capitalize() for _ in range(3))

    def pem(self) -> str:
        body = [self(64, string.ascii_letters + string.digits) for _ in range(3)]
        return "\n".join(["-----BEGIN CERTIFICATE-----", *body, "-----END CERTIFICATE-----", ""])


KINDS = (*PLAN.token_kinds, "KeyCode", "MacAddress", "eMAID")
STATION = PLAN._replace(
    displays=((1,), (2,)), token_kinds=KINDS, firmware=FirmwarePlan(("install",), (), allow_unsigned=True)
)


def lived(version: str, secret: Secrets) -> World:
    """A station in which there is a secret wherever one can be."""
    password = secret(24, string.ascii_letters + "-.!")
    w = World(version, {"SecurityCtrlr.BasicAuthPassword": password}, plan=STATION).online()
    card, family, guest = secret(14, string.hexdigits.upper()[:16]), secret(12), secret(8)
    w.infos[card] = TokenInfo("Accepted", group=family, message=secret.words())
    w.infos[guest] = TokenInfo("Invalid", group=secret(10))
    listed = [
        (Token(secret(10)), TokenInfo("Accepted", group=secret(9), message=secret.words())),
        (Token(secret(6, string.digits), "KeyCode"), TokenInfo("Accepted")),
        (Token(secret(12, "0123456789abcdef"), "MacAddress"), TokenInfo("Blocked")),
    ]
    w.ask(SendLocalList(1, True, tuple(listed)))
    w.plug(1).present(card, 1).after(60)
    w.present(card.lower(), 1).after(10).unplug(1)
    w.tell(e.VehicleIdentified(2, secret(12, "0123456789abcdef")))
    w.plug(2).press(f"{secret(6, string.digits)}#", 2).after(30)
    w.press(secret(5, string.digits), 2).after(30)
    w.unplug(2)
    w.present(guest, 1)
    w.ask(c.RequestStart(Token(secret(11), "Central"), 2, 7, group=Token(secret(13))))
    w.ask(ReserveNow(3, w.utc + 900, Token(secret(15)), group=secret(16), evse_id=1))
    w.ask(SetUserPrice(Token(card), (("en", secret.words()),)))
    w.ask(GiveCustomerInformation(5, True, False, token=Token(card)))
    w.ask(GiveCustomerInformation(6, True, True, identifier=secret(20)))
    newer = secret(30, string.ascii_letters)
    w.ask(c.SetVariables(((parse_name("SecurityCtrlr.BasicAuthPassword"), "Actual", newer),)))
    w.ask(c.SetVariables(((parse_name("AuthCtrlr.MasterPassGroupId"), "Actual", secret(17)),)))
    w.ask(c.GetLog("DiagnosticsLog", f"ftp://{secret(8)}:{secret(9)}@files.example/in?sig={secret(20)}", 1))
    w.ask(UpdateFirmware(2, f"https://{secret(7)}@files.example/fw?key={secret(21)}", w.utc + 9000))
    w.ask(c.TransferData("vendor", "x", {"who": secret(12), "mail": [secret(18)]}))
    w.ask(InstallCertificate("CSMSRootCertificate", secret.pem()))
    w.ask(SetChargingProfile(told_otherwise(secret(12))))
    w.ask(ShowToken(Token(card)))
    w.tell(e.ContractShown(1, secret(14), secret.pem()))
    w.tell(e.EvCertificateWanted(1, "Install", "urn:x", secret(80, string.ascii_letters)))
    w.tell(e.MessageInvalid(f"no such idTag: {card}"))
    w.tell(e.LinkFailed("tls", f"wss://{secret(8)}:{secret(12)}@csms.example/ocpp?token={secret(12)} is not there"))
    signed = Signed(base64.b64encode(secret(30).encode()).decode(), "OCMF", "ECDSA")
    secret.all.append(signed.data)
    w.tell(e.MeterRead(1, e.Measured(w.now.mono, 12_000.0, signed=signed)))
    return w.after(60)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("seed", range(4))
def test_no_secret_is_in_a_recording_which_is_replayed_all_the_same(version: str, seed: int, tmp_path: Path) -> None:
    secret = Secrets(seed)
    w = lived(version, secret)
    w.cut()  # what was kept begins the next recording
    w.online().after(60)
    assert len(w.recorders) > 1
    for recorder in w.recorders:
        buffer = io.BytesIO()
        write(recorder.taken(), buffer, f"failed at {secret.all[0]}")
        text = gzip.decompress(buffer.getvalue()).decode().lower()
        found = [each for each in secret.all if each.lower() in text]
        assert not found
        file = tmp_path / "x.jsonl.gz"
        file.write_bytes(buffer.getvalue())
        differs = next(differing(read(file)), None)
        assert differs is None, str(differs)


def named(*tokens: str) -> Pseudonyms:
    names = Pseudonyms()
    for token in tokens:
        names.note(Token(token))
    names.settle(None)
    return names


def test_a_pseudonym_is_a_token_of_the_same_kind_for_the_same_token() -> None:
    names = named("04a1b2c3D4E5F6", "DE-ABC-C1234567-X", "Ab 12")
    assert names.name("04A1B2C3D4E5F6") == names.name("04a1b2c3d4e5f6").upper()
    assert not names.name("04A1B2C3D4E5F6").strip(string.hexdigits)
    written = names.name("DE-ABC-C1234567-X")
    assert (len(written), [n for n, char in enumerate(written) if char == "-"]) == (17, [2, 6, 15])
    assert names.name("DEABCC1234567X") == written.replace("-", "")
    assert [char.isdigit() for char in names.name("Ab 12")] == [False, False, False, True, True]
    assert "…" + names.name("04A1B2C3D4E5F6")[-4:] == names.text("…E5F6")


def test_no_two_tokens_have_one_pseudonym_and_none_is_that_of_another() -> None:
    many = [f"{number:03}" for number in range(500)]
    names = named(*many)
    assert len({names.name(token) for token in many}) == len(many)
    few = [f"AB{number}" for number in range(40)]
    names = named(*few)
    assert not {names.name(token) for token in few} & set(few)


def test_the_salt_is_another_each_time() -> None:
    assert named("04A1B2C3D4E5F6").name("04A1B2C3D4E5F6") != named("04A1B2C3D4E5F6").name("04A1B2C3D4E5F6")


def test_a_short_token_does_not_change_the_words_in_which_it_stands() -> None:
    names = named("1", "ID")
    assert names.text("evse 1: ID 1 refused") == "evse 1: ID 1 refused"
    assert names.veiled(Token("1")).value != "1"


def test_numbers_that_are_no_secret_stay(any_value: Any = (1, 2.5, None, True)) -> None:
    assert named("1234").veiled(any_value) == any_value
