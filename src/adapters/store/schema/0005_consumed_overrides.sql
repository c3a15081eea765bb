-- An override token counts once: the key makes a second use impossible whatever the gates do. Rows are never forgotten, so a token
-- cannot come back when it has expired and a clock is set back.
CREATE TABLE plangate.consumed_overrides (
  jti         text PRIMARY KEY,
  decision_id text NOT NULL REFERENCES plangate.decisions (id),
  subject     text NOT NULL,
  kid         text NOT NULL,
  expires_at  timestamptz NOT NULL,
  consumed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plangate.consumed_overrides
  FOR EACH STATEMENT EXECUTE FUNCTION plangate.refuse_change();
