import { type UpcomingInterval, upcomingIntervals } from "../core/calendar/calendar-state.ts";
import type { WindowState } from "../core/decision.ts";
import { enforcedWindow } from "../core/evaluate-policies.ts";
import { policyMatches } from "../core/policy/match.ts";
import { type ChangeKind, changeKinds, type PolicySet } from "../core/policy/policy.ts";
import { windowState } from "../core/window-state.ts";

export interface WindowsQuery {
  service: string;
  environment: string;
  /** `any`: a request that is every kind at once. */
  changes: ChangeKind;
  at: Date;
  /** null: what the policies expect. */
  durationMs: number | null;
  /** Of upcoming intervals. */
  count: number;
}

export interface WindowsAnswer {
  /** Ids of the policies that match. */
  policies: string[];
  window: WindowState;
  intervals: readonly UpcomingInterval[];
}

/** When a deploy of this kind may start. */
export function describeWindows(set: PolicySet, query: WindowsQuery): WindowsAnswer {
  const kinds = kindsMeant(query.changes);
  const matching = set.policies.filter((policy) => policyMatches(policy, query, kinds));
  const calendar = matching.flatMap(enforcedWindow);
  const expected = matching.map(({ changeWindow }) => changeWindow?.expectedDurationMs ?? 0);
  const durationMs = Math.max(query.durationMs ?? 0, ...expected);
  const timeZone = matching.find(({ changeWindow }) => changeWindow !== null)?.changeWindow?.timeZone ?? null;
  return {
    policies: matching.map(({ id }) => id),
    window: windowState(calendar, timeZone, query.at, durationMs),
    intervals: upcomingIntervals(calendar, query.at, query.count),
  };
}

/** Dropping or creating an index is a schema change too. */
function kindsMeant(changes: ChangeKind): Set<ChangeKind> {
  if (changes === "any") return new Set(changeKinds);
  return new Set(changes === "index-drop" || changes === "index-create" ? [changes, "schema"] : [changes]);
}
