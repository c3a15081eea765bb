CREATE FUNCTION plangate.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'plangate.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'object_not_in_prerequisite_state';
END $$;

-- The hash chain. `hash` is the SHA-256 (hex) of `body`, which is RFC 8785 canonical JSON and holds the sequence number and
-- the previous entry's hash. The keys make a fork impossible whatever the gates do: one entry per number, one successor per entry.
CREATE TABLE plangate.audit_entries (
  sequence      bigint PRIMARY KEY CHECK (sequence > 0),
  previous_hash text NOT NULL UNIQUE CHECK (previous_hash ~ '^[0-9a-f]{64}$'),
  hash          text NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
  kind          text NOT NULL,
  body          text NOT NULL,
  written_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- `json`, not `jsonb`: decisions are given back as they were made, and SQL text may hold what jsonb refuses (\u0000).
CREATE TABLE plangate.decisions (
  id             text PRIMARY KEY,
  audit_sequence bigint NOT NULL UNIQUE REFERENCES plangate.audit_entries (sequence),
  evaluated_at   timestamptz NOT NULL,
  caller         text NOT NULL,
  service        text NOT NULL,
  environment    text NOT NULL,
  action         text NOT NULL,
  commit_id      text,
  decision       text NOT NULL CHECK (decision IN ('approved', 'rejected')),
  not_after      timestamptz,
  request_digest text NOT NULL,
  request        json NOT NULL,
  body           json NOT NULL
);

CREATE INDEX decisions_by_service ON plangate.decisions (service, environment, audit_sequence);
CREATE INDEX decisions_approved_commits ON plangate.decisions (commit_id, service, environment)
  WHERE decision = 'approved' AND action = 'deploy';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plangate.audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION plangate.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plangate.decisions
  FOR EACH STATEMENT EXECUTE FUNCTION plangate.refuse_change();

-- One row per key while it is remembered. No decision yet: some gate is working on it, until the claim runs out.
CREATE TABLE plangate.idempotency_keys (
  caller           text NOT NULL,
  key              text NOT NULL,
  body_digest      text NOT NULL,
  claim            text NOT NULL,
  claim_expires_at timestamptz NOT NULL,
  expires_at       timestamptz NOT NULL,
  decision_id      text REFERENCES plangate.decisions (id),
  PRIMARY KEY (caller, key)
);

CREATE INDEX idempotency_keys_by_expiry ON plangate.idempotency_keys (expires_at);
