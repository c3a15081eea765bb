-- History is of one cluster: an index of the cluster that stood there before tells nothing. Null: not known, or from an older gate.
ALTER TABLE plangate.evidence_bundles ADD COLUMN system_identifier text;

CREATE INDEX evidence_bundles_by_capture ON plangate.evidence_bundles (database, server, trust, captured_at);

-- When each index was first seen. `definition` is the digest of what CREATE INDEX says, without the oid.
CREATE TABLE plangate.index_ages (
  database    text NOT NULL,
  schema_name text NOT NULL,
  index_name  text NOT NULL,
  definition  text NOT NULL,
  table_name  text NOT NULL,
  seen_since  timestamptz NOT NULL,
  appeared    boolean NOT NULL,
  -- [["node", {"oid": …, "scans": …, "capturedAt": …}], …]
  counters    json NOT NULL,
  PRIMARY KEY (database, schema_name, index_name, definition)
);
