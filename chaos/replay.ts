import { query } from "../test/support/postgres-server.ts";
import type { Outcome } from "./load.ts";

export interface Replay {
  figures: [string, string | number][];
  violations: string[];
}

/** Every decision that a client was given must be in the database once, as it was given and with its audit entry; none may be there twice. */
export async function replay(url: string, outcomes: readonly Outcome[]): Promise<Replay> {
  const rows = await query(
    url,
    `SELECT decision.id, decision.commit_id, decision.decision, entry.body::json ->> 'decisionId' AS audited,
            entry.body::json ->> 'decision' AS audited_decision
     FROM plangate.decisions AS decision LEFT JOIN plangate.audit_entries AS entry ON entry.sequence = decision.audit_sequence`,
  );
  const [count] = await query(url, "SELECT count(*)::int AS entries FROM plangate.audit_entries");
  const byCommit = groupByCommit(rows);
  const violations: string[] = [];
  for (const { commit, environment, answer, unexpected } of outcomes) {
    const stored = byCommit.get(commit) ?? [];
    if (stored.length > 1) violations.push(`doubled: ${commit} has ${stored.length} decisions`);
    for (const what of unexpected) violations.push(`unexpected answer: ${what} for ${commit}`);
    if (answer === null) continue;
    const [found] = stored;
    if (found === undefined) violations.push(`lost: ${answer.id} was answered and is not stored`);
    else if (found.id !== answer.id || found.decision !== answer.decision)
      violations.push(`changed: ${answer.id} is stored as ${found.id}`);
    if (answer.decision === "approved" && found?.audited !== answer.id)
      violations.push(`approved without audit entry: ${answer.id}`);
    if (answer.decision !== (environment === "production" ? "approved" : "rejected"))
      violations.push(`wrong: ${answer.id} is ${answer.decision}`);
  }
  const unaudited = rows.filter(
    ({ id, audited, decision, audited_decision }) => audited !== id || audited_decision !== decision,
  );
  for (const { id } of unaudited) violations.push(`stored without its audit entry: ${id}`);
  const answered = outcomes.filter(({ answer }) => answer !== null);
  const unanswered = outcomes.filter(({ answer }) => answer === null);
  return {
    violations,
    figures: [
      ["requests", outcomes.length],
      ["attempts", outcomes.reduce((sum, { attempts }) => sum + attempts, 0)],
      ["answered", answered.length],
      ["of them approved", answered.filter(({ answer }) => answer?.decision === "approved").length],
      ["answered only after a retry", answered.filter(({ attempts }) => attempts > 1).length],
      ["given up by the client", unanswered.length],
      ["of them decided and recorded all the same", unanswered.filter(({ commit }) => byCommit.has(commit)).length],
      ["decisions in the database", rows.length],
      ["audit entries", Number(count?.entries)],
    ],
  };
}

function groupByCommit(rows: readonly Record<string, unknown>[]): Map<string, Record<string, unknown>[]> {
  const groups = new Map<string, Record<string, unknown>[]>();
  for (const row of rows) groups.set(String(row.commit_id), [...(groups.get(String(row.commit_id)) ?? []), row]);
  return groups;
}
