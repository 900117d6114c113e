-- What the registry and the ledger have in common: wallets, what is on its way to the ledger, extracts being read.

-- A pupil's wallet of a year. `wallet_sealed` holds the wallet's id and the nullifier under the person's key; `school` and `grade`
-- are what the ledger was told; `pending` is the row of the outbox that opens or funds it, `latest` the last one about it alone.
CREATE TABLE wallets (
    wallet_index BYTEA NOT NULL PRIMARY KEY,
    person BYTEA NOT NULL,
    year BIGINT NOT NULL,
    wallet_sealed BYTEA NOT NULL,
    school BYTEA NOT NULL,
    grade BIGINT NOT NULL,
    state TEXT NOT NULL,
    pending BIGINT,
    latest BIGINT,
    UNIQUE (person, year)
);

-- Pages of a year, and of those who are enrolled, come out of an index in their order: sorted for every page they take many minutes.
CREATE INDEX wallets_by_year ON wallets (year, wallet_index);
CREATE INDEX pupils_by_person ON pupils (standing, person);
CREATE INDEX wallets_by_state ON wallets (year, state, wallet_index);
CREATE INDEX wallets_pending ON wallets (pending);
CREATE INDEX wallets_latest ON wallets (latest);

-- How far a year's wallets have gone: whether wallets that are drawn are opened at once, and opened ones funded.
CREATE TABLE wallet_years (
    year BIGINT NOT NULL PRIMARY KEY,
    opening BIGINT NOT NULL,
    funding BIGINT NOT NULL
);

CREATE TABLE outbox (
    id BIGINT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    office TEXT NOT NULL,
    behalf BYTEA,
    operation BYTEA NOT NULL,
    document BYTEA,
    after_id BIGINT,
    effect TEXT NOT NULL,
    state TEXT NOT NULL,
    raw BYTEA,
    transaction_id BYTEA,
    valid_until BIGINT,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    rejection TEXT,
    height BIGINT,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE INDEX outbox_by_state ON outbox (state, id);
CREATE INDEX outbox_by_predecessor ON outbox (after_id);

-- The import at work. A later one takes over, and the earlier one stops.
CREATE TABLE import_run (
    one BIGINT NOT NULL PRIMARY KEY,
    run BIGINT NOT NULL
);

INSERT INTO import_run (one, run) VALUES (1, 0);

-- Lines of the extract that is being read. What would change is sealed under a key that only the running import has.
CREATE TABLE import_lines (
    run BIGINT NOT NULL,
    code_index BYTEA NOT NULL,
    line BIGINT NOT NULL,
    action TEXT NOT NULL,
    sealed BYTEA,
    PRIMARY KEY (run, code_index)
);

CREATE TABLE reconcile_seen (
    run BIGINT NOT NULL,
    wallet_index BYTEA NOT NULL,
    PRIMARY KEY (run, wallet_index)
);

-- When the register learned of the latest change of a pupil that a delta brought: an older delta changes nothing.
ALTER TABLE pupils ADD COLUMN known_at BIGINT NOT NULL DEFAULT 0;

-- The row of the outbox that opens the wallet on the ledger.
ALTER TABLE schools ADD COLUMN open_row BIGINT;
ALTER TABLE providers ADD COLUMN open_row BIGINT;
