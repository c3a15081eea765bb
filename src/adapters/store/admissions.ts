import type { PoolClient } from "pg";
import type { AdmissionRecord, AdmittedTemplates, Clock } from "../../app/ports.ts";
import { admissionRow, templateKey } from "./admission-row.ts";
import { appendEntries, appending, type ChainHead } from "./audit.ts";
import type { Database } from "./connection.ts";

export interface AdmissionStore extends AdmittedTemplates {
  /**
   * Appends the records to the audit chain, all or none. Those whose id is there already are left as they are. Returns how many were new.
   * Throws StoreError.
   */
  writeAdmissions(records: readonly AdmissionRecord[]): Promise<number>;
}

export function admissionStore(database: Database, clock: Clock): AdmissionStore {
  return {
    writeAdmissions: (records) => appending(database, (client, head) => writeAdmissions(client, head, clock, records)),
    wasAdmitted: (template) =>
      database.transaction(async (client) => {
        const { rows } = await client.query<{ admitted: boolean }>(
          "SELECT EXISTS (SELECT FROM plangate.admissions WHERE template_key = $1) AS admitted",
          [templateKey(template)],
        );
        return rows[0]?.admitted === true;
      }),
  };
}

async function writeAdmissions(
  client: PoolClient,
  head: ChainHead,
  clock: Clock,
  given: readonly AdmissionRecord[],
): Promise<number> {
  const records = await newOnes(client, given);
  if (records.length === 0) return 0;
  const recordedAt = clock.now().toISOString();
  const contents = records.map((admission) => ({ kind: "admission", content: { admission, recordedAt } }));
  await insertAdmissions(client, records, await appendEntries(client, head, contents));
  return records.length;
}

/** Under the chain's lock, so that they are new until the commit. */
async function newOnes(client: PoolClient, given: readonly AdmissionRecord[]): Promise<AdmissionRecord[]> {
  const byId = new Map(given.map((record) => [record.id, record]));
  const { rows } = await client.query<{ id: string }>("SELECT id FROM plangate.admissions WHERE id = ANY ($1)", [
    [...byId.keys()],
  ]);
  for (const { id } of rows) byId.delete(id);
  return [...byId.values()];
}

const insertSql = `
  INSERT INTO plangate.admissions (audit_sequence, id, answered_at, environment, namespace, kind, name, operation, username, service,
                                   allowed, basis, decision_id, template_key)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                       $10::text[], $11::boolean[], $12::text[], $13::text[], $14::text[])`;

async function insertAdmissions(
  client: PoolClient,
  records: readonly AdmissionRecord[],
  sequences: readonly number[],
): Promise<void> {
  const rows = records.map(admissionRow);
  await client.query(insertSql, [
    sequences,
    rows.map(({ id }) => id),
    rows.map(({ at }) => at),
    rows.map(({ environment }) => environment),
    rows.map(({ namespace }) => namespace),
    rows.map(({ kind }) => kind),
    rows.map(({ name }) => name),
    rows.map(({ operation }) => operation),
    rows.map(({ user }) => user),
    rows.map(({ service }) => service),
    rows.map(({ allowed }) => allowed),
    rows.map(({ basis }) => basis),
    rows.map(({ decisionId }) => decisionId),
    rows.map((row) => row.templateKey),
  ]);
}
