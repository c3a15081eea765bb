-- What the gates answered to admission reviews, as far as it is searched for; all of it is in the audit entry. `template_key` stands for
-- the environment, the workload and the pod template where a later rollback may go back to it.
CREATE TABLE plangate.admissions (
  id             text PRIMARY KEY,
  audit_sequence bigint NOT NULL UNIQUE REFERENCES plangate.audit_entries (sequence),
  answered_at    timestamptz NOT NULL,
  environment    text NOT NULL,
  namespace      text NOT NULL,
  kind           text NOT NULL,
  name           text NOT NULL,
  operation      text NOT NULL CHECK (operation IN ('CREATE', 'UPDATE')),
  username       text NOT NULL,
  service        text,
  allowed        boolean NOT NULL,
  basis          text NOT NULL,
  decision_id    text,
  template_key   text
);

CREATE INDEX admissions_templates ON plangate.admissions (template_key) WHERE template_key IS NOT NULL;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plangate.admissions
  FOR EACH STATEMENT EXECUTE FUNCTION plangate.refuse_change();
