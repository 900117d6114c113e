"""Verifies receipt files and record files offline, with the founding document alone.

Written from ledger/README.md ("Encodings", "Files that prove") and genesis/README.md, and from nothing else: it shares no
code with the programs that make the files, and tests compare its judgement with theirs. Usage:

    verify.py --genesis genesis.json FILE...

One line a file, `FILE: holds` or `FILE: ` and the reason; exit code 0 when every file holds, 1 when one does not.
"""

import json
import re
import sys

from blake3 import blake3
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

LARGEST_FILE = 16 * 1024 * 1024
U16, U32, U64 = 2**16 - 1, 2**32 - 1, 2**64 - 1

TAGS = {
    "genesis": b"KEIS/genesis/01\0",
    "block": b"KEIS/block/0001\0",
    "validators": b"KEIS/validator/\0",
    "vote": b"KEIS/vote/00001\0",
    "list leaf": b"KEIS/listleaf/1\0",
    "list node": b"KEIS/listnode/1\0",
    "record key": b"KEIS/reckey/001\0",
    "record value": b"KEIS/recvalue/1\0",
    "state leaf": b"KEIS/stateleaf/\0",
    "state node": b"KEIS/statenode/\0",
}

KINDS = """year_opened allocated school_money_recorded year_ended schools_opened providers_opened pupils_opened keys_bound
key_revoked pupil_moved wallet_suspended wallet_reinstated wallet_closed service_published service_amended
service_suspended service_reinstated service_withdrawn session_opened session_amended session_closed order_proposed
order_requested order_confirmed order_declined change_proposed change_accepted change_dropped lines_swapped
lines_dropped order_cancelled delivery_reported attendance_confirmed statement_issued statement_accepted
statement_contested order_lapsed attendance_automatic funds_returned decision_proposed decision_approved
decision_withdrawn decision_expired network_parameters_set programme_parameters_set validators_set officer_appointed
officer_dismissed governance_keys_replaced protocol_switch_decided protocol_switched invoice_attached invoice_rejected
invoice_approved payment_recorded payment_set_off payment_reconciled credit_noted repayment_recorded
repayment_reconciled payment_account_set year_sealed rated_by_school rated_by_pupil order_disputed dispute_withdrawn
dispute_resolved order_reversed force_majeure_declared force_majeure_continued force_majeure_ended order_struck
deadlines_extended deadline_postponed party_succeeded all_keys_revoked pupils_moved payment_returned""".split()

ORDER_STATES = """proposed requested confirmed delivered attended attended_automatically settled declined lapsed
cancelled_free cancelled_late cancelled_by_provider disputed reversed cancelled_force_majeure""".split()


class Fault(Exception):
    """Why a file proves nothing."""


def require(holds, reason):
    if not holds:
        raise Fault(reason)


# Values of the files. Each reads one field of an object and answers bytes or a number.


def number(value, most):
    require(isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most, "a number is out of its range")
    return value


def identifier(value, prefix, length):
    require(isinstance(value, str) and value.startswith(prefix), f"a text does not begin with `{prefix}`")
    digits = value[len(prefix) :]
    require(re.fullmatch("[0-9a-f]{%d}" % (2 * length), digits), f"`{prefix}` and {2 * length} digits are expected")
    return bytes.fromhex(digits)


def digest(value):
    return identifier(value, "", 32)


def some(value, kind):
    require(isinstance(value, kind), f"a {kind.__name__} is expected")
    return value


def fields(value, *names, optional=()):
    some(value, dict)
    for name in value:
        require(name in names or name in optional, "an unknown field")
    for name in names:
        require(name in value, f"the field {name} is missing")
    return value


# Encodings: little endian, fixed width.


def u8(value):
    return value.to_bytes(1, "little")


def u16(value):
    return value.to_bytes(2, "little")


def u32(value):
    return value.to_bytes(4, "little")


def u64(value):
    return value.to_bytes(8, "little")


def hashed(tag, *parts):
    return blake3(TAGS[tag] + b"".join(parts)).digest()


def amounts(value):
    fields(value, "state", "school")
    return u64(number(value["state"], U64)) + u64(number(value["school"], U64))


# The founding document.


class Network:
    """What the founding document says: the network's hash and its first validators."""

    def __init__(self, document):
        self.hash = hashed("genesis", encode_document(document))
        self.founders = Validators(
            [
                (
                    identifier(one["id"], "ins_", 16),
                    identifier(one["consensus_key"], "key_", 32),
                    number(one["power"], U64),
                )
                for one in document["institutions"]
            ],
            ordered=False,
        )


def text(value):
    encoded = some(value, str).encode()
    return u64(len(encoded)) + encoded


def listed(items):
    items = list(items)
    return u64(len(items)) + b"".join(items)


def encode_document(document):
    require(document["format"] in (1, 2), "an unknown format of founding documents")
    return b"".join(
        [
            u32(number(document["format"], U32)),
            text(document["name"]),
            u64(number(document["time"], U64)),
            encode_clock(document["clock"]),
            encode_parameters(document["parameters"]),
            listed(map(encode_institution, document["institutions"])),
            listed(map(encode_officer, document["officers"])),
        ]
    )


def encode_clock(clock):
    if clock == "real":
        return u32(0)
    return u32(1) + identifier(clock["simulated"]["driver"], "key_", 32)


def encode_parameters(given):
    return b"".join(
        [
            u32(number(given["protocol"], U32)),
            u64(number(given["max_validity"], U64)),
            u32(number(given["step_budget"], U32)),
            u32(number(given["max_block_bytes"], U32)),
            u32(number(given["max_touched"], U32)),
            u64(number(given["clock_bound"], U64)),
        ]
    )


def encode_institution(given):
    return b"".join(
        [
            identifier(given["id"], "ins_", 16),
            text(given["name"]),
            identifier(given["consensus_key"], "key_", 32),
            identifier(given["network_key"], "key_", 32),
            b"".join(identifier(key, "key_", 32) for key in given.get("governance_keys", [])),
            u64(number(given["power"], U64)),
        ]
    )


def encode_officer(given):
    return b"".join(
        [
            identifier(given["institution"], "ins_", 16),
            u32(["operator", "budget_holder", "auditor"].index(given["office"])),
            identifier(given["key"], "key_", 32),
            u64(number(given["from"], U64)),
            u64(number(given["until"], U64)),
        ]
    )


# Validators and what they sign.


class Validators:
    """A set of validators: (institution, key, power), ascending by address."""

    def __init__(self, members, ordered=True):
        by_address = sorted(members, key=lambda member: address_of(member[1]))
        require(not ordered or by_address == members, "validators are not in the order of their addresses")
        self.members = {address_of(key): (key, power) for _, key, power in by_address}
        require(len(self.members) == len(by_address), "a validator's key occurs twice")
        self.total = sum(power for _, _, power in by_address)
        require(self.total <= U64 // 4 and all(power > 0 for _, _, power in by_address), "a validator's power")
        for institution, _, _ in by_address:
            held = sum(power for other, _, power in by_address if other == institution)
            require(3 * held < self.total, "an institution holds a third of the votes")
        self.hash = hashed("validators", listed(i + key + u64(power) for i, key, power in by_address))

    @classmethod
    def read(cls, given):
        members = []
        for one in some(given, list):
            fields(one, "institution", "key", "power")
            members.append(
                (
                    identifier(one["institution"], "ins_", 16),
                    identifier(one["key"], "key_", 32),
                    number(one["power"], U64),
                )
            )
        return cls(members)


def address_of(key):
    return blake3(key).digest()[:20]


def signed(key, message, signature):
    """Ed25519 as libsodium judges it: canonical, no key or nonce of small order, without the cofactor."""
    try:
        VerifyKey(key).verify(message, signature)
        return True
    except (BadSignatureError, ValueError):
        return False


class Header:
    """Head of a block."""

    def __init__(self, given):
        fields(
            given,
            "protocol",
            "network",
            "height",
            "parent",
            "time",
            "proposer",
            "transactions_root",
            "receipts_root",
            "state_root",
            "validators",
            "next_validators",
        )
        self.network = digest(given["network"])
        self.height = number(given["height"], U64)
        self.time = number(given["time"], U64)
        self.receipts_root = digest(given["receipts_root"])
        self.state_root = digest(given["state_root"])
        self.validators = digest(given["validators"])
        self.next_validators = digest(given["next_validators"])
        self.block = hashed(
            "block",
            u32(number(given["protocol"], U32)),
            self.network,
            u64(self.height),
            identifier(given["parent"], "blk_", 32),
            u64(self.time),
            identifier(given["proposer"], "val_", 20),
            digest(given["transactions_root"]),
            self.receipts_root,
            self.state_root,
            self.validators,
            self.next_validators,
        )


def check_decided(network, header, certificate, validators):
    """The validators decided the block of the header."""
    require(header.network == network.hash, "the block is of another network")
    require(header.validators == validators.hash, "the block names other validators")
    fields(certificate, "height", "round", "block", "signatures")
    height, turn = number(certificate["height"], U64), number(certificate["round"], U32)
    block = identifier(certificate["block"], "blk_", 32)
    require(height == header.height and block == header.block, "the certificate is for another block")
    power, seen = 0, set()
    for pair in some(certificate["signatures"], list):
        require(isinstance(pair, list) and len(pair) == 2, "a pair of address and signature is expected")
        voter, signature = identifier(pair[0], "val_", 20), identifier(pair[1], "", 64)
        require(voter not in seen, "a validator is counted twice")
        require(voter in validators.members, "a signature of somebody who is no validator")
        seen.add(voter)
        key, weight = validators.members[voter]
        vote = TAGS["vote"] + network.hash + u32(1) + u64(height) + u32(turn) + u8(1) + block + voter
        require(signed(key, vote, signature), "a validator's signature does not hold")
        power += weight
    require(3 * power > 2 * validators.total, "not more than two thirds of the votes")


def check_block(network, given):
    """Walks the changes of the validators and answers the head of the file's block, decided by those of its height."""
    header = Header(given["header"])
    validators, before = network.founders, 0
    for handover in some(given["handovers"], list):
        fields(handover, "header", "certificate", "validators")
        head, following = Header(handover["header"]), Validators.read(handover["validators"])
        require(before < head.height < header.height, "a change of validators is out of order")
        check_decided(network, head, handover["certificate"], validators)
        require(head.next_validators != head.validators, "a change of validators that changes none")
        require(head.next_validators == following.hash, "other validators than those that were handed over to")
        validators, before = following, head.height
    check_decided(network, header, given["certificate"], validators)
    return header


# Proofs.


def check_listed(given, leaf, root):
    """The leaf stands in the list of the root; answers its place."""
    fields(given, "index", "count", "path")
    index, count = number(given["index"], U64), number(given["count"], U64)
    path = [digest(one) for one in some(given["path"], list)]
    require(index < count, "the place is not in the list")
    place, last = index, count - 1
    while last > 0:
        if place % 2 == 1 or place < last:
            require(path, "the path is too short")
            sibling = path.pop(0)
            leaf = hashed("list node", sibling, leaf) if place % 2 == 1 else hashed("list node", leaf, sibling)
        place, last = place // 2, last // 2
    require(not path, "the path is too long")
    require(hashed("list node", count.to_bytes(8, "big"), leaf) == root, "the path leads to another root")
    return index


def side(place, bit):
    return place[bit // 8] >> (7 - bit % 8) & 1


def check_state(given, root, place, value):
    """The state of the root holds the value's hash at the place, or nothing for None."""
    fields(given, "leaf", "path")
    steps = []
    for step in some(given["path"], list):
        fields(step, "bit", "sibling")
        steps.append((number(step["bit"], U16), digest(step["sibling"])))
    if given["leaf"] is None:
        require(not steps, "a path without a leaf")
        held, computed = None, bytes(32)
    else:
        require(isinstance(given["leaf"], list) and len(given["leaf"]) == 2, "a pair of place and hash is expected")
        end, content = identifier(given["leaf"][0], "", 34), digest(given["leaf"][1])
        computed, below = hashed("state leaf", end, content), 272
        for bit, sibling in steps:
            require(bit < below, "the bits of a path descend")
            require(side(place, bit) == side(end, bit), "a search for the record would not end here")
            pair = (computed, sibling) if side(place, bit) == 0 else (sibling, computed)
            computed, below = hashed("state node", bit.to_bytes(2, "big"), *pair), bit
        held = content if end == place else None
    require(computed == root, "the path leads to another root")
    require(held == value, "the state does not hold what is claimed")


# The kinds of files.


def encode_receipt(given):
    fields(
        given,
        "id",
        "height",
        "index",
        "time",
        "kind",
        "subject",
        "on_behalf",
        "total",
        "lines",
        "lines_root",
    )
    require(given["kind"] in KINDS, "an unknown kind of receipts")
    return b"".join(
        [
            identifier(given["id"], "tx_", 32),
            u64(number(given["height"], U64)),
            u32(number(given["index"], U32)),
            u64(number(given["time"], U64)),
            u32(KINDS.index(given["kind"])),
            encode_subject(given["subject"]),
            u8(int(some(given["on_behalf"], bool))),
            amounts(given["total"]),
            u32(number(given["lines"], U32)),
            digest(given["lines_root"]),
        ]
    )


def encode_subject(given):
    def state(value):
        require(value in ORDER_STATES, "an unknown state of orders")
        return u32(ORDER_STATES.index(value))

    readers = {
        "year": lambda value: u16(number(value, U16)),
        "order": lambda value: identifier(value, "ord_", 16),
        "order_state": state,
        "session": lambda value: identifier(value, "ses_", 16),
        "service": lambda value: identifier(value, "srv_", 16),
        "school": lambda value: identifier(value, "sch_", 16),
        "provider": lambda value: identifier(value, "prv_", 16),
        "statement": lambda value: identifier(value, "stm_", 16),
    }
    fields(given, optional=[*readers, "decision"])
    decision = u8(2) + identifier(given["decision"], "dec_", 16) if "decision" in given else b""
    options = (u8(1) + read(given[name]) if name in given else u8(0) for name, read in readers.items())
    return decision + b"".join(options)


def check_receipt(network, given):
    fields(given, "format", "handovers", "header", "certificate", "receipt", "proof", "lines")
    header, receipt = check_block(network, given), given["receipt"]
    leaf = hashed("list leaf", encode_receipt(receipt))
    require(receipt["height"] == header.height and receipt["time"] == header.time, "the receipt is of another block")
    place = check_listed(given["proof"], leaf, header.receipts_root)
    require(place == receipt["index"], "the receipt names another place")
    least = 0
    for one in some(given["lines"], list):
        fields(one, "line", "blind", "proof")
        line = fields(one["line"], "pupil", "moved")
        content = identifier(line["pupil"], "pup_", 16) + amounts(line["moved"])
        leaf = hashed("list leaf", digest(one["blind"]), content)
        place = check_listed(one["proof"], leaf, digest(receipt["lines_root"]))
        require(place >= least, "lines are not in their order")
        least = place + 1


def key_of(given):
    """Year and encoding of the key of a public record."""
    kind = some(given, dict).get("kind")
    if kind == "parameters":
        fields(given, "kind")
        return 0, u32(0)
    if kind == "service":
        fields(given, "kind", "id")
        return 0, u32(4) + identifier(given["id"], "srv_", 16)
    if kind == "year":
        fields(given, "kind", "year")
        year = number(given["year"], U16)
        return year, u32(5) + u16(year)
    if kind == "session":
        fields(given, "kind", "year", "id")
        year = number(given["year"], U16)
        return year, u32(10) + u16(year) + identifier(given["id"], "ses_", 16)
    if kind == "sealed":
        fields(given, "kind", "year")
        year = number(given["year"], U16)
        return year, u32(23) + u16(year)
    raise Fault("an unknown kind of records")


def check_record(network, given):
    fields(given, "format", "handovers", "header", "certificate", "key", "record", "proof")
    header = check_block(network, given)
    year, key = key_of(given["key"])
    place = year.to_bytes(2, "big") + hashed("record key", key)
    value = given["record"]
    if value is not None:
        value = hashed("record value", hexadecimal(value))
    check_state(given["proof"], header.state_root, place, value)


def key_of_year(year, given):
    """Encoding of the key of a record that a year had."""
    kind = some(given, dict).get("kind")
    if kind == "year":
        fields(given, "kind")
        return u32(5) + u16(year)
    kinds = {
        "pupil": (6, "pup_"),
        "school": (8, "sch_"),
        "provider": (9, "prv_"),
        "session": (10, "ses_"),
        "order": (11, "ord_"),
        "statement": (12, "stm_"),
        "bill": (18, "stm_"),
        "dispute": (27, "ord_"),
    }
    require(kind in kinds, "an unknown kind of records")
    fields(given, "kind", "id")
    variant, prefix = kinds[kind]
    return u32(variant) + u16(year) + identifier(given["id"], prefix, 16)


# Variant 23: a root, a number, a time, twice twelve sums.
SEAL = 4 + 32 + 8 + 8 + 2 * 12 * 8


def check_sealed_record(network, given):
    fields(
        given, "format", "handovers", "header", "certificate", "year", "seal", "seal_proof", "key", "record", "proof"
    )
    header = check_block(network, given)
    year = number(given["year"], U16)
    seal = hexadecimal(given["seal"])
    require(len(seal) == SEAL and seal[:4] == u32(23), "the seal is not what is left of a year")
    leaf = year.to_bytes(2, "big") + hashed("record key", u32(23) + u16(year))
    check_state(given["seal_proof"], header.state_root, leaf, hashed("record value", seal))
    place = year.to_bytes(2, "big") + hashed("record key", key_of_year(year, given["key"]))
    value = given["record"]
    if value is not None:
        value = hashed("record value", hexadecimal(value))
    check_state(given["proof"], seal[4:36], place, value)


def hexadecimal(given):
    require(re.fullmatch("(?:[0-9a-f]{2})*", some(given, str)), "a record is pairs of hexadecimal digits")
    return bytes.fromhex(given)


def once(pairs):
    require(len({name for name, _ in pairs}) == len(pairs), "a field occurs twice")
    return dict(pairs)


def refuse(_):
    raise Fault("only whole numbers are used")


def whole(digits):
    require(not digits.startswith("-"), "a number below zero")
    return int(digits)


def read_json(path):
    with open(path, "rb") as file:
        content = file.read(LARGEST_FILE + 1)
    require(len(content) <= LARGEST_FILE, "the file is larger than any proof")
    return json.loads(
        content.decode(), object_pairs_hook=once, parse_float=refuse, parse_int=whole, parse_constant=refuse
    )


def check(network, path):
    given = some(read_json(path), dict)
    if given.get("format") == "keis-receipt-1":
        check_receipt(network, given)
    elif given.get("format") == "keis-record-1":
        check_record(network, given)
    elif given.get("format") == "keis-sealed-record-1":
        check_sealed_record(network, given)
    else:
        raise Fault("an unknown format of files")


def main(arguments):
    if len(arguments) < 3 or arguments[0] != "--genesis":
        print(__doc__, file=sys.stderr)
        return 2
    network = Network(read_json(arguments[1]))
    sound = True
    for path in arguments[2:]:
        try:
            check(network, path)
            print(f"{path}: holds")
        except (Fault, ValueError, RecursionError, OSError) as fault:
            sound = False
            print(f"{path}: {str(fault) or 'not readable'}".replace("\n", " "))
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
