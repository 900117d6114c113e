-- Documents of statements on their way to the buyer's system, and what comes back. The documents themselves are kept with the papers.

-- One row a document that the ledger names. `id` is derived from statement and file, and what the receiver tells messages apart by;
-- `approval` is the row of the outbox that approves the invoice.
CREATE TABLE dispatches (
    id BYTEA NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL UNIQUE,
    year BIGINT NOT NULL,
    statement BYTEA NOT NULL,
    file BYTEA NOT NULL,
    of_order BYTEA,
    provider BYTEA NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    trouble TEXT,
    approval BIGINT,
    queued BIGINT NOT NULL,
    left_at BIGINT,
    changed BIGINT NOT NULL,
    UNIQUE (statement, file)
);

CREATE INDEX dispatches_by_state ON dispatches (state, seq);
CREATE INDEX dispatches_of_provider ON dispatches (provider);

-- One row an answer. `mark` and `content` are hashes of the receiver's name for it and of what it says; `words_sealed` is a reason, or
-- what could not be read, under the provider's commitment key, or under the master key where no document of ours is named.
CREATE TABLE dispatch_answers (
    seq BIGINT NOT NULL PRIMARY KEY,
    mark BYTEA NOT NULL,
    content BYTEA NOT NULL,
    dispatch BYTEA,
    named TEXT,
    verdict TEXT NOT NULL,
    amount BIGINT,
    reference BYTEA,
    day TEXT,
    words_sealed BYTEA,
    standing TEXT NOT NULL,
    why TEXT,
    wish BIGINT,
    taken BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    UNIQUE (mark, content)
);

CREATE INDEX dispatch_answers_of ON dispatch_answers (dispatch, seq);
CREATE INDEX dispatch_answers_by_standing ON dispatch_answers (standing, seq);
CREATE INDEX dispatch_answers_by_reference ON dispatch_answers (reference);

-- How far the receiver's answers were taken.
CREATE TABLE dispatch_cursor (
    one BIGINT NOT NULL PRIMARY KEY,
    cursor TEXT NOT NULL
);

INSERT INTO dispatch_cursor (one, cursor) VALUES (1, '');
