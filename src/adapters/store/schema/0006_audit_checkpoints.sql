-- Places in the hash chain that a gate has signed. They count by their signature alone; copies belong where nobody who can write here can.
CREATE TABLE plangate.audit_checkpoints (
  token    text PRIMARY KEY,
  gate     text NOT NULL,
  sequence bigint NOT NULL,
  made_at  timestamptz NOT NULL
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plangate.audit_checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION plangate.refuse_change();
