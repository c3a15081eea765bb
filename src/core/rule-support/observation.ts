import type { Catalog } from "../catalog/catalog.ts";
import type { IndexUsageRow, ServerRole, TrustedBundle } from "../evidence/bundle.ts";
import { isKnown } from "../evidence/required-nodes.ts";
import { clockToleranceMs, latestWord } from "../evidence/usable.ts";
import type { EvidenceNode, EvidenceView } from "../evidence/view.ts";
import { formatDuration, type ObjectName } from "../values.ts";
import { counted, utcMinute } from "./findings.ts";
import { usageRowsOf } from "./usage-rows.ts";

/** What one node says about one index. */
export interface NodeObservation {
  node: string;
  role: ServerRole;
  /** In the observation window, the worst of the node's newest bundles of each trust; null: no bundle has a row. */
  scans: number | null;
  /** Since when those scans were counted. */
  scansSince: Date | null;
  lastScan: Date | null;
  /** Since when the counters prove something. */
  windowStart: Date | null;
  capturedAt: Date | null;
  /** No bundle says when the index was first seen. */
  indexAgeUnknown: boolean;
  /** Why the numbers prove nothing: lower-case clauses that name the node. */
  doubts: readonly string[];
}

/**
 * The nodes whose counters a verdict needs: those that the policy names, or else those that the gate reads itself, or else the
 * primary and every standby that it reports.
 * `missing`: lower-case clauses, one for each node that sent nothing.
 */
export function requiredNodes(
  view: EvidenceView,
  named: readonly string[] | null,
): { nodes: readonly EvidenceNode[]; missing: readonly string[] } {
  const primaries = view.nodes.filter(({ role }) => role === "primary");
  const replicas = view.nodes.length - primaries.length;
  const reported = Math.max(0, ...primaries.map((primary) => standbysOf(primary) ?? 0));
  const names = named ?? view.requiredNodes?.map(({ name }) => name) ?? null;
  const missing = (names ?? []).flatMap((name) => absence(name, view) ?? []);
  if (reported > replicas) {
    missing.push(`the primary reports ${counted(reported, "standby")} and there is evidence of ${replicas}`);
  }
  if (named === null) {
    if (primaries.length === 0) missing.push("there is no evidence of the primary");
    else if (names === null && primaries.some((primary) => standbysOf(primary) === null)) {
      missing.push(
        "the primary's bundle does not say how many standbys it has (server.standbys), and the policy does not name the nodes",
      );
    }
  }
  return { nodes: view.nodes, missing };
}

/** How many standbys a primary has, by the most trusted of its bundles or a later one that says more; null: not told. */
function standbysOf({ bundles }: EvidenceNode): number | null {
  const told = latestWord(bundles, ({ server }) => server.standbys != null);
  if (told.length === 0 || told[0]?.trust !== bundles[0]?.trust) return null;
  return Math.max(...told.map(({ bundle }) => bundle.server.standbys ?? 0));
}

/** Why a node that is needed proves nothing; null: it does. */
function absence(name: string, view: EvidenceView): string | null {
  const freshFrom = view.requiredNodes?.find((required) => required.name === name)?.freshFrom ?? null;
  const node = view.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) {
    return `there is no evidence of ${name}${freshFrom === null ? "" : ", which could not be read"}`;
  }
  if (freshFrom === null || isKnown({ name, freshFrom }, view.nodes, ({ indexUsage }) => indexUsage != null))
    return null;
  return `${name} could not be read, and what is known of it is from before ${utcMinute(freshFrom)}`;
}

interface ObservationLimits {
  /** Milliseconds. */
  observedFor: number;
  maxAge: number;
}

export function observeIndex(
  node: EvidenceNode,
  index: ObjectName,
  catalog: Catalog | null,
  at: Date,
  limits: ObservationLimits,
): NodeObservation {
  const withUsage = node.bundles.filter(({ bundle }) => bundle.indexUsage != null);
  const [basis] = withUsage;
  if (basis === undefined) return nothingKnown(node, `${node.name} sent no index usage`);
  const current = newestOfEachTrust(withUsage).filter(
    (bundle) => bundle === basis || ageOf(bundle, at) <= limits.maxAge,
  );
  const seen = current.map((bundle) => ({ bundle, rows: usageRowsOf(bundle, index, catalog) }));
  const counts = seen
    .filter(({ rows }) => rows.length > 0)
    .map(({ bundle, rows }) => scansInWindow(bundle, rows, withUsage, index, catalog, limits.observedFor))
    .sort((a, b) => b.scans - a.scans);
  const basisRows = seen[0]?.rows ?? [];
  const windowStart = startOfWindow(basis, basisRows);
  return {
    node: node.name,
    role: node.role,
    scans: counts[0]?.scans ?? null,
    scansSince: counts[0]?.since ?? null,
    lastScan: latest(seen.flatMap(({ rows }) => rows.flatMap((row) => row.lastScan ?? []))),
    windowStart,
    capturedAt: basis.bundle.capturedAt,
    indexAgeUnknown: basisRows.some((row) => row.firstSeen == null),
    doubts: [
      ...doubtsOf(node.name, basis, basisRows, windowStart, at, limits),
      ...contradictions(node.name, basis, windowStart, seen, limits),
      ...rowContradictions(
        node.name,
        seen.flatMap(({ rows }) => rows),
      ),
      ...wentBack(node.name, basis, withUsage, (bundle) => usageRowsOf(bundle, index, catalog), limits),
    ],
  };
}

/** Counters only grow until they are reset, and then the window starts again: the newest bundle tells all that older ones do. */
function newestOfEachTrust(bundles: readonly TrustedBundle[]): TrustedBundle[] {
  return bundles.filter((bundle, position) => bundles.findIndex(({ trust }) => trust === bundle.trust) === position);
}

/**
 * Scans of the last `observedFor`, as far as the counters tell. An index with six billion scans may have had none for months:
 * its last scan (PostgreSQL 16 on) was before the window, or an earlier bundle, at least that old and of the same trust,
 * shows the same count without a reset in between. Otherwise every scan since the counters started.
 */
function scansInWindow(
  basis: TrustedBundle,
  rows: readonly IndexUsageRow[],
  history: readonly TrustedBundle[],
  index: ObjectName,
  catalog: Catalog | null,
  observedFor: number,
): { scans: number; since: Date | null } {
  const total = sumOfScans(rows);
  const started = startOfWindow(basis, rows);
  const windowFrom = basis.bundle.capturedAt.getTime() - observedFor;
  if (total === 0) return { scans: 0, since: started };
  const scanned = rows.filter((row) => row.scans > 0);
  if (scanned.every(({ lastScan }) => lastScan != null && lastScan.getTime() < windowFrom)) {
    return { scans: 0, since: new Date(windowFrom) };
  }
  const earlier = history.find(
    ({ bundle, trust }) =>
      trust === basis.trust &&
      bundle.capturedAt.getTime() <= windowFrom &&
      started !== null &&
      started.getTime() <= bundle.capturedAt.getTime(),
  );
  const before = earlier === undefined ? [] : usageRowsOf(earlier, index, catalog);
  const known = sumOfScans(before);
  if (earlier === undefined || before.length === 0 || known > total) return { scans: total, since: started };
  return { scans: total - known, since: earlier.bundle.capturedAt };
}

function sumOfScans(rows: readonly IndexUsageRow[]): number {
  return rows.reduce((sum, row) => sum + row.scans, 0);
}

function nothingKnown(node: EvidenceNode, doubt: string): NodeObservation {
  return {
    node: node.name,
    role: node.role,
    scans: null,
    scansSince: null,
    lastScan: null,
    windowStart: null,
    capturedAt: null,
    indexAgeUnknown: true,
    doubts: [doubt],
  };
}

function doubtsOf(
  name: string,
  basis: TrustedBundle,
  rows: readonly IndexUsageRow[],
  windowStart: Date | null,
  at: Date,
  limits: ObservationLimits,
): string[] {
  const { capturedAt } = basis.bundle;
  if (rows.length === 0) return [`the usage rows of ${name} do not have this index`];
  const doubts: string[] = [];
  if (ageOf(basis, at) > limits.maxAge) {
    doubts.push(
      `the counters of ${name} are from ${utcMinute(capturedAt)}, older than ${formatDuration(limits.maxAge)}`,
    );
  }
  if (windowStart === null) {
    doubts.push(`${name} does not say since when it counts (indexUsage.windowStart)`);
  } else if (windowStart.getTime() > capturedAt.getTime() + clockToleranceMs) {
    doubts.push(`${name} claims to count since ${utcMinute(windowStart)}, after its own capture`);
  } else if (capturedAt.getTime() - windowStart.getTime() < limits.observedFor) {
    const young = windowStart.getTime() !== basis.bundle.indexUsage?.windowStart?.getTime();
    const what = young ? `the index was first seen on ${name} at` : `${name} counts only since`;
    doubts.push(
      `${what} ${utcMinute(windowStart)}, less than the ${formatDuration(limits.observedFor)} that the policy demands`,
    );
  }
  return doubts;
}

/** Less trusted bundles whose counters started later, so that the window is too short if they are right. */
function contradictions(
  name: string,
  basis: TrustedBundle,
  windowStart: Date | null,
  seen: readonly { bundle: TrustedBundle; rows: readonly IndexUsageRow[] }[],
  { observedFor }: ObservationLimits,
): string[] {
  return seen.flatMap(({ bundle, rows }) => {
    const start = bundle === basis ? null : startOfWindow(bundle, rows);
    if (start === null || windowStart === null || start <= windowStart) return [];
    if (basis.bundle.capturedAt.getTime() - start.getTime() >= observedFor) return [];
    return [`by a less trusted bundle ${name} counts only since ${utcMinute(start)}`];
  });
}

/** PostgreSQL counts a scan before what it reads, and forgets all of it at once. */
function rowContradictions(name: string, rows: readonly IndexUsageRow[]): string[] {
  return rows.flatMap(({ scans, lastScan, tuplesRead, tuplesFetched }) => {
    if (scans > 0) return [];
    if (lastScan != null) return [`${name} shows no scans, and yet a last one at ${utcMinute(lastScan)}`];
    const read = Math.max(tuplesRead ?? 0, tuplesFetched ?? 0);
    return read === 0 ? [] : [`${name} shows no scans, and yet ${counted(read, "row")} read through the index`];
  });
}

/** Counters that are smaller than they were inside the window began anew after that, whatever the server's own window says. */
function wentBack(
  name: string,
  basis: TrustedBundle,
  history: readonly TrustedBundle[],
  rowsIn: (bundle: TrustedBundle) => readonly IndexUsageRow[],
  { observedFor }: ObservationLimits,
): string[] {
  const rows = rowsIn(basis);
  const start = startOfWindow(basis, rows);
  if (rows.length === 0 || start === null) return [];
  const from = Math.max(start.getTime(), basis.bundle.capturedAt.getTime() - observedFor);
  const larger = history.find(
    (other) =>
      other.trust === basis.trust &&
      other.bundle.capturedAt.getTime() >= from &&
      sumOfScans(rowsIn(other)) > sumOfScans(rows),
  );
  if (larger === undefined) return [];
  const then = `${counted(sumOfScans(rowsIn(larger)), "scan")} at ${utcMinute(larger.bundle.capturedAt)}`;
  return [`${name} had counted ${then} and has fewer now, so its counters or the index began anew after that`];
}

function ageOf({ bundle }: TrustedBundle, at: Date): number {
  return at.getTime() - bundle.capturedAt.getTime();
}

/** The later of the node's own window and the moment at which a row's index was first seen. */
function startOfWindow(basis: TrustedBundle, rows: readonly IndexUsageRow[]): Date | null {
  const start = basis.bundle.indexUsage?.windowStart ?? null;
  return start === null ? null : latest([start, ...rows.flatMap((row) => row.firstSeen ?? [])]);
}

function latest(instants: readonly Date[]): Date | null {
  return instants.length === 0 ? null : new Date(Math.max(...instants.map((instant) => instant.getTime())));
}
