"""Every method says whether its answer shows something of an enterprise."""

from __future__ import annotations

from bonafides.access.audit import DISCLOSES, Discloses, discloses, short
from bonafides.access.policy import POLICIES


def test_every_method_that_may_be_called_says_what_it_discloses() -> None:
    assert set(DISCLOSES) == {short(policy.method) for policy in POLICIES}


def test_method_that_nobody_judged_is_written_down() -> None:
    assert discloses("/bonafides.v1.NewService/GetSomething") is Discloses.ONE


def test_only_these_methods_leave_no_row() -> None:
    silent = {method for method, shows in DISCLOSES.items() if shows is Discloses.NOTHING}
    of_programs = {"ApplicationService", "SwitchService", "TokenService"}
    shown = {method for method in silent if method.split("/")[0] not in of_programs}
    assert shown == {
        "RatingService/GetScorecard",
        "RecordService/WriteRecords",
        "RecordService/GetWriteCursor",
        "ConsentService/ListAgreements",
        "DocumentService/UploadDocument",
        "RightsService/EraseBuyer",
        "RightsService/GetBuyerHoldings",
        "RightsService/CorrectBuyer",
        "PlatformService/SetPlatformMask",
        "PlatformService/GetPlatformMask",
        "PlatformService/ListPlatformMasks",
        "IntegratorService/CreateAuthorizationUrl",
        "IntegratorService/GetAuthorizationUrl",
    }
