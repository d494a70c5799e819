"""Recomputes a level from its receipt and the public scorecard, with nothing of Bonafides.

    python -I scripts/check_receipt.py receipt.json scorecard.json SHA256 [CODE SALT]

SHA256 is the receipt's digest as it was published; with CODE and SALT (hex) it is looked at
whether the receipt is of that enterprise. Exit code 0: all agrees; 1: something does not.
docs/receipt.md describes the steps, and how to check the signature.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

POINTS = ["AAA", "AA", "A", "B", "C"]
DAY, SHANGHAI = 86_400_000_000, 8 * 3_600_000_000
HELD = {"RECORD_TOO_SHORT": "FEED", "TOO_FEW_ORDERS": "FEED", "IDENTITY": "SOURCE"}
READINGS = {"level": "slot", "low": "worst", "high": "best", "clean": "clean"}


def agree(told: Any, found: Any, what: str) -> None:
    if told != found:
        raise ValueError(f"{what}: it has {told}, and it should have {found}")


def better(one: str, other: str) -> bool:
    return POINTS.index(one) < POINTS.index(other)


def lowest(*levels: str | None) -> str:
    return max((level for level in levels if level), key=POINTS.index)


def raw_level(receipt: Any, card: Any) -> dict[str, Any]:  # Step 1: of bins and rules
    rules = [rule for rule in card["rules"] if rule["reason"] in receipt["rules"]]
    agree(receipt["rules"], [rule["reason"] for rule in rules], "rules")
    kinds = {rule["kind"] for rule in rules}
    if kinds - {"CEILING"}:
        agree(receipt["features"], [], "features")
        return dict.fromkeys(READINGS, "D" if "KNOCK_OUT" in kinds else "NR")
    totals = dict.fromkeys(READINGS, 0)
    for feature, told in zip(card["features"], receipt["features"], strict=True):
        agree(told["feature"], feature["name"], "features")
        for name, reading in READINGS.items():
            slot = told.get(reading, told["slot"])
            named = isinstance(slot, str)
            points = feature[slot.replace(" ", "_")] if named else feature["points"][slot]
            agree(told["points"] if name == "level" else points, points, feature["name"])
            totals[name] += points
    raw: dict[str, Any] = {"score": totals["level"]}
    for name, total in totals.items():
        cuts = [cut["level"] for cut in card["levels"] if total >= cut["min_points"]]
        raw[name] = lowest((cuts or ["C"])[0], *(rule["holds_at"] for rule in rules))
    return raw


def publish(prior: Any, receipt: Any) -> dict[str, Any]:  # Step 2: of that, and what was before
    now, raw, moment = receipt["as_of"], receipt["raw"], receipt["moment"]
    monday = (now + SHANGHAI + 3 * DAY) // (7 * DAY) * (7 * DAY) - SHANGHAI - 3 * DAY
    old = prior or {"level": "NR", "since": now, "evaluated_at": monday, "relieved": 0}
    new = {**old, "evaluated_at": monday}
    if now >= new.get("cap_until", now + 1):
        del new["cap"], new["cap_until"]
    if moment["withdrawn"] and "standing" in old:
        new["cap"] = lowest(old["standing"], new.get("cap"))
        new["cap_until"] = now + 365 * DAY
    new["relieved"] = int(old["relieved"] or (moment["relief"] != [] and not moment["withdrawn"]))
    waits = all(HELD.get(reason) in moment["down"] for reason in receipt["rules"])
    if raw["level"] in POINTS:
        new = by_points(old, new, raw, held=moment["down"] != [])
    elif not (raw["level"] == "NR" and old["level"] in POINTS and waits):
        new["level"], _ = raw["level"], new.pop("weak_since", 0)
    if prior and new["level"] != prior["level"]:
        new |= {"since": now, "former": prior["level"], "former_since": prior["since"]}
    return new


def by_points(old: Any, new: Any, raw: Any, *, held: bool) -> dict[str, Any]:
    relieved, weak, evaluation = new["relieved"], new.pop("weak_since", 0), new["evaluated_at"]
    due, level, new["relieved"] = evaluation > old["evaluated_at"], old.get("standing"), 0
    if "stepped_at" not in old:
        first = lowest(raw["level"], new.get("cap"))
        first = level if held and level and better(level, first) else first
        earned = first if better(first, raw["clean"]) else raw["clean"]
        new |= {"level": first, "standing": first, "earned": earned}
        return {**new, **({"stepped_at": evaluation} if due and level else {})}
    earned = old["earned"]
    may_step = due and old["stepped_at"] + 30 * DAY <= evaluation
    climbs = may_step and better(raw["clean"], earned)
    earned = POINTS[POINTS.index(earned) - climbs]
    most, still_weak = lowest(raw["level"], earned, new.get("cap")), 0 if due else weak
    if better(most, level):
        climbs = climbs or (may_step and not relieved)
        level = most if relieved else POINTS[POINTS.index(level) - may_step]
    elif better(level, raw["level"]) and old["level"] not in POINTS:
        level, still_weak = raw["level"], 0
    elif better(level, raw["level"]) and due and not held:
        falls = weak or better(level, raw["high"])
        level, still_weak = (raw["level"], 0) if falls else (level, evaluation)
    if due and not held and better(earned, raw["clean"]):
        earned = raw["clean"] if better(raw["clean"], level) else level
    new |= {"level": level, "standing": level, "earned": earned}
    new |= {"stepped_at": evaluation if climbs else old["stepped_at"]}
    return {**new, **({"weak_since": still_weak} if still_weak else {})}


def main(receipt_file: str, card_file: str, digest: str, code: str = "", salt: str = "") -> None:
    receipt_bytes, card_bytes = Path(receipt_file).read_bytes(), Path(card_file).read_bytes()
    agree(digest, hashlib.sha256(receipt_bytes).hexdigest(), "digest")
    receipt, card = json.loads(receipt_bytes), json.loads(card_bytes)
    agree(receipt["schema"], "bonafides-receipt-1", "schema")
    model = {"digest": hashlib.sha256(card_bytes).hexdigest(), "version": card["version"]}
    agree(receipt["model"], model, "model")
    named = hashlib.sha256(bytes.fromhex(salt) + code.encode()).hexdigest()
    agree(receipt["subject"], named if code else receipt["subject"], "subject")
    agree(receipt["raw"], raw_level(receipt, card), "raw")
    agree(receipt["published"], publish(receipt.get("prior"), receipt), "published")
    print(f"raw {receipt['raw']['level']}, published {receipt['published']['level']}: all agrees")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (LookupError, OSError, TypeError, ValueError) as fault:
        sys.exit(f"does not agree: {fault}")
