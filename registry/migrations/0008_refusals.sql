-- Why an invoice was refused by hand, in its buyer's words, sealed under the provider's commitment key. `file` is the invoice, as the
-- ledger knew it; `told` is when its provider got notice that the refusal stands on the ledger.
CREATE TABLE refusals (
    statement BYTEA NOT NULL,
    file BYTEA NOT NULL,
    provider BYTEA NOT NULL,
    reason_sealed BYTEA,
    kept BIGINT NOT NULL,
    told BIGINT,
    PRIMARY KEY (statement, file)
);

CREATE INDEX refusals_of_provider ON refusals (provider);
