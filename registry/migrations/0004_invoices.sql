-- What the ledger knows as keyed commitments alone: the key of each, what was committed, and the papers of statements.

-- A key under which things are committed and their text is sealed. `owner` is a provider's id, or names whom the things are of;
-- `sealed` is under the data key of `person` for a natural person and is destroyed with it.
CREATE TABLE witness_keys (
    owner BYTEA NOT NULL PRIMARY KEY,
    person BYTEA,
    sealed BYTEA NOT NULL
);

CREATE INDEX witness_keys_of_person ON witness_keys (person);

CREATE TABLE witnesses (
    commitment BYTEA NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    owner BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    added BIGINT NOT NULL
);

CREATE INDEX witnesses_of_owner ON witnesses (owner);

-- Invoices and credit notes of statements, also those that were made ready and never signed: which of them stand is the ledger's
-- to say, by the commitments. `school` is the buyer where it is no programme.
CREATE TABLE papers (
    statement BYTEA NOT NULL,
    file BYTEA NOT NULL,
    number BYTEA NOT NULL,
    kind TEXT NOT NULL,
    year BIGINT NOT NULL,
    of_order BYTEA,
    provider BYTEA NOT NULL,
    school BYTEA,
    name_sealed BYTEA NOT NULL,
    size BIGINT NOT NULL,
    added BIGINT NOT NULL,
    PRIMARY KEY (statement, file, number)
);

CREATE INDEX papers_of_provider ON papers (provider);
