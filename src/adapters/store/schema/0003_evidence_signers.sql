-- SHA-256 of the public key that a signature was verified with: it counts for as long as the configuration has that key.
ALTER TABLE plangate.evidence_bundles ADD COLUMN signed_by text;
