CREATE TABLE plangate.evidence_bundles (
  database    text NOT NULL,
  digest      text NOT NULL,
  server      text NOT NULL,
  trust       text NOT NULL CHECK (trust IN ('asserted', 'signed', 'pulled')),
  captured_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  caller      text NOT NULL,
  -- Which of the optional sections the bundle has: the newest bundles are chosen section by section.
  sections    text[] NOT NULL,
  body        json NOT NULL,
  PRIMARY KEY (database, digest)
);

CREATE INDEX evidence_bundles_by_receipt ON plangate.evidence_bundles (received_at);
