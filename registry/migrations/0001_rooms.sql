-- The same text runs on SQLite and PostgreSQL: TEXT, BIGINT and BYTEA only, and no default that either would fill in by itself.
-- Columns that end in _sealed are encrypted under the data key of the row's person; columns that end in _index are keyed hashes.

CREATE TABLE vault_check (
    one BIGINT NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL
);

CREATE TABLE person_keys (
    person BYTEA NOT NULL PRIMARY KEY,
    wrapped BYTEA NOT NULL
);

CREATE TABLE log_entries (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev BYTEA NOT NULL,
    mac BYTEA NOT NULL
);

CREATE INDEX log_of_subject ON log_entries (subject, seq);

CREATE TABLE log_head (
    one BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    seal BYTEA NOT NULL
);

CREATE TABLE entities (
    id BYTEA NOT NULL PRIMARY KEY,
    code_index BYTEA NOT NULL UNIQUE
);

CREATE TABLE schools (
    id BYTEA NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    place TEXT NOT NULL,
    entity BYTEA NOT NULL REFERENCES entities (id),
    branches BIGINT NOT NULL,
    opened BIGINT NOT NULL
);

CREATE TABLE providers (
    id BYTEA NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    code TEXT UNIQUE,
    name TEXT,
    person BYTEA UNIQUE,
    code_sealed BYTEA,
    name_sealed BYTEA,
    code_index BYTEA UNIQUE,
    place TEXT NOT NULL,
    vat_registered BIGINT NOT NULL,
    entity BYTEA NOT NULL REFERENCES entities (id),
    opened BIGINT NOT NULL
);

CREATE TABLE pupils (
    person BYTEA NOT NULL PRIMARY KEY,
    school BYTEA NOT NULL REFERENCES schools (id),
    branch BIGINT NOT NULL,
    class TEXT NOT NULL,
    joint_class TEXT,
    grade BIGINT NOT NULL,
    given_name_sealed BYTEA,
    family_name_sealed BYTEA,
    register_code_sealed BYTEA,
    register_index BYTEA UNIQUE,
    standing TEXT NOT NULL,
    since BIGINT NOT NULL,
    generation BIGINT NOT NULL
);

CREATE INDEX pupils_of_class ON pupils (school, standing, branch, class);
CREATE INDEX pupils_by_standing ON pupils (standing);

CREATE TABLE users (
    id BYTEA NOT NULL PRIMARY KEY,
    person BYTEA NOT NULL UNIQUE,
    subject_index BYTEA UNIQUE,
    name_sealed BYTEA,
    email_sealed BYTEA,
    disabled BIGINT NOT NULL,
    created BIGINT NOT NULL,
    signed_in BIGINT NOT NULL
);

CREATE TABLE grants (
    user_id BYTEA NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (user_id, role, body)
);

CREATE INDEX grants_of_body ON grants (body);

CREATE TABLE user_keys (
    id BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    party BYTEA NOT NULL,
    public_key BYTEA NOT NULL UNIQUE,
    scopes BYTEA NOT NULL,
    label_sealed BYTEA,
    state TEXT NOT NULL,
    requested BIGINT NOT NULL,
    decided BIGINT,
    cap BIGINT,
    valid_from BIGINT,
    valid_until BIGINT,
    reason_sealed BYTEA,
    bind_row BIGINT,
    revoking BIGINT NOT NULL
);

CREATE INDEX user_keys_of_user ON user_keys (user_id);
CREATE INDEX user_keys_by_state ON user_keys (state, requested);

CREATE TABLE web_sessions (
    id_hash BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA,
    sealed BYTEA NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX web_sessions_of_user ON web_sessions (user_id);
CREATE INDEX web_sessions_by_end ON web_sessions (expires);

CREATE TABLE notices (
    seq BIGINT NOT NULL PRIMARY KEY,
    party BYTEA NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    dismissed BIGINT
);

CREATE INDEX notices_of_party ON notices (party, seq);

CREATE TABLE erased (
    person BYTEA NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    swept BIGINT NOT NULL
);
