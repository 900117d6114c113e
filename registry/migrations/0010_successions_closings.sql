-- Who stands in a party's place by now, as somebody read it on the ledger: ids alone.
CREATE TABLE successions (
    party TEXT NOT NULL PRIMARY KEY,
    successor TEXT NOT NULL,
    noted BIGINT NOT NULL
);

-- Closing reports of years that ended, by the name of their period, as a gateway reckoned them: ids, amounts and counts, packed.
-- Sealing a year takes the records away from which they could be reckoned again. `hash` is SHA-256 of the unpacked bytes.
CREATE TABLE closings (
    year BIGINT NOT NULL,
    period TEXT NOT NULL,
    height BIGINT NOT NULL,
    packed BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    kept BIGINT NOT NULL,
    PRIMARY KEY (year, period)
);
