-- Officers' keys, made in browsers. Governance appoints them on the ledger, which alone knows from when and until when; here is
-- whose they are. `role` is the office that the key was made for; the label is sealed under the user's person key.
CREATE TABLE officer_keys (
    id BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    public_key BYTEA NOT NULL UNIQUE,
    label_sealed BYTEA,
    made BIGINT NOT NULL
);

CREATE INDEX officer_keys_by_user ON officer_keys (user_id);
