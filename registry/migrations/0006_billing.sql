-- What invoices name beside what `schools` and `providers` have, and the documents that were drawn or taken.

-- Of a provider, under its commitment key: address, contact, electronic address, series; and when it is registered for VAT.
CREATE TABLE sellers (
    provider BYTEA NOT NULL PRIMARY KEY,
    details_sealed BYTEA,
    registrations_sealed BYTEA
);

-- Where each series of a provider goes on. The series itself is a keyed hash.
CREATE TABLE number_series (
    provider BYTEA NOT NULL,
    series BYTEA NOT NULL,
    next BIGINT NOT NULL,
    PRIMARY KEY (provider, series)
);

-- The programme as buyer, its terms, the rates of VAT: one row a part, JSON.
CREATE TABLE programme_billing (
    part TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
);

-- A school as buyer, JSON.
CREATE TABLE school_billing (
    school BYTEA NOT NULL PRIMARY KEY REFERENCES schools (id),
    content TEXT NOT NULL
);

-- The bytes of papers that were drawn here or taken as e-invoices, and what they were drawn from, sealed as the paper is.
CREATE TABLE documents (
    seq BIGINT NOT NULL PRIMARY KEY,
    statement BYTEA NOT NULL,
    file BYTEA NOT NULL,
    number BYTEA NOT NULL,
    year BIGINT NOT NULL,
    provider BYTEA NOT NULL,
    sheet_sealed BYTEA NOT NULL,
    bytes_sealed BYTEA NOT NULL,
    UNIQUE (statement, file, number)
);

CREATE INDEX documents_of_year ON documents (year, seq);
CREATE INDEX documents_of_provider ON documents (provider);
CREATE INDEX papers_by_file ON papers (file);
CREATE INDEX papers_by_number ON papers (number);
