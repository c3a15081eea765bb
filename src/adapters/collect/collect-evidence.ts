import { z } from "zod";
import { type EvidenceBundleInput, evidenceBundleSchema } from "../../core/evidence/bundle.ts";
import type { ValuesPolicy } from "../../core/evidence/statistics.ts";
import { loadGrammar } from "../../core/sql/grammar.ts";
import { instant } from "../../core/values.ts";
import type { ServerAddress } from "../servers/server-address.ts";
import { ServerError } from "../servers/server-error.ts";
import { openSession, type SessionTimeouts } from "../servers/session.ts";
import { readCatalog } from "./catalog-section.ts";
import { collectError, isWorthAnotherTry } from "./collect-error.ts";
import { demandGrants } from "./grants.ts";
import indexUsageSql from "./queries/index-usage.sql";
import promotionSql from "./queries/promotion.sql";
import { oldestSupported, readServer, readServerFacts, settingNotes } from "./server-facts.ts";
import { type Snapshot, withSnapshot } from "./snapshot.ts";
import { readStatistics } from "./statistics-section.ts";
import { usageWindow } from "./usage-window.ts";
import { readWorkload } from "./workload-section.ts";

export interface CollectOptions {
  /** Which values of columns may leave the server; default: low-cardinality. */
  values?: ValuesPolicy;
  timeouts?: Partial<SessionTimeouts>;
}

/** Where tables come and go all the time, and on a standby that replays much, the next snapshot may be luckier. */
const maxAttempts = 8;

const defaultTimeouts: SessionTimeouts = { connect: 10_000, statement: 30_000, lock: 5_000 };

/**
 * One server's evidence bundle, all sections but query plans, from one read-only snapshot. The number of queries does not depend
 * on the size of the schema. Needs a role as sql/collector-role.sql makes it.
 * @throws ServerError: unreachable, refused, hangs, missing grant (`missing-grant`), lost in the middle; never half a bundle.
 */
export async function collectEvidence(
  server: ServerAddress,
  options: CollectOptions = {},
): Promise<EvidenceBundleInput> {
  await loadGrammar();
  const session = await openSession(server, { ...defaultTimeouts, ...options.timeouts });
  const values = options.values ?? "low-cardinality";
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await withSnapshot(session, (snapshot) => readBundle(snapshot, server, values));
      } catch (error) {
        if (attempt === maxAttempts || !isWorthAnotherTry(error)) throw collectError(server, error);
        await session.run("ROLLBACK");
      }
    }
  } finally {
    await session.close();
  }
}

async function readBundle(
  snapshot: Snapshot,
  server: ServerAddress,
  values: ValuesPolicy,
): Promise<EvidenceBundleInput> {
  // Counters come first, and the moment since when they count after them: a reset in between makes the window shorter, not longer.
  const usage = await snapshot.mustRead(indexUsageSql, z.array(z.unknown()));
  const facts = await readServerFacts(snapshot);
  if (facts.versionNumber < oldestSupported) {
    throw new ServerError(
      "unsupported-version",
      server.label,
      `it runs PostgreSQL ${facts.version}`,
      "use PostgreSQL 13 or newer",
    );
  }
  const promotedAt = facts.mayMonitor ? await snapshot.read(promotionSql, instantOfRow) : null;
  const window = usageWindow(facts, promotedAt);
  const { catalog, functionsRunStatements } = await readCatalog(snapshot, facts);
  const { statistics, unreadable, notes } = await readStatistics(snapshot, facts, values);
  const workload = await readWorkload(snapshot, { allowValues: values === "all", functionsRunStatements });
  demandGrants(server.label, facts, { tables: unreadable, statementsSchema: workload.unreadableSchema });
  const allNotes = [...window.notes, ...settingNotes(facts), ...notes, ...workload.notes];
  return checked({
    version: 1,
    capturedAt: facts.capturedAt.toISOString(),
    server: await readServer(snapshot, server.name, facts),
    indexUsage: { ...(window.start !== null && { windowStart: window.start.toISOString() }), rows: usage },
    catalog,
    statistics,
    ...(workload.statements != null && { statements: workload.statements }),
    ...(allNotes.length > 0 && { notes: allNotes }),
  });
}

/** pg gives a Date for a timestamp that is a column of its own. */
const instantOfRow = z.union([z.date(), instant]);

function checked(bundle: unknown): EvidenceBundleInput {
  evidenceBundleSchema.parse(bundle);
  // The schema has accepted it, so this is what it accepts.
  return bundle as EvidenceBundleInput;
}
