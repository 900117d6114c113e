-- What officers read of the bank's files while they record payments by them: one each and year, sealed under the master key, for a day.
CREATE TABLE bank_files (
    user_id BYTEA NOT NULL,
    year BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    kept BIGINT NOT NULL,
    PRIMARY KEY (user_id, year)
);
