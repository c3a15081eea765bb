-- What became of telling each webhook about each used override. The overrides themselves are the outbox: their rows are written with
-- the decision, so none is forgotten, and here stands how far each was told.
CREATE TABLE plangate.notifications (
  jti             text NOT NULL REFERENCES plangate.consumed_overrides (jti),
  target          text NOT NULL,
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  delivered_at    timestamptz,
  PRIMARY KEY (jti, target)
);

CREATE INDEX notifications_due ON plangate.notifications (target, next_attempt_at) WHERE delivered_at IS NULL;
