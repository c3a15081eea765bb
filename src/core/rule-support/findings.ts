import type { RuleFinding } from "../rules/rule.ts";
import { displayName, type ObjectName, type SourceLocation } from "../values.ts";

interface Blocked {
  subject: string;
  message: string;
  /** Begins with a verb. */
  help: string;
  location?: SourceLocation | null;
  details?: Record<string, unknown>;
}

export function passed(
  subject: string,
  message: string,
  location: SourceLocation | null = null,
  details: Record<string, unknown> = {},
): RuleFinding {
  return { outcome: "pass", subject, message, help: null, location, details };
}

export function failed({ location = null, details = {}, ...rest }: Blocked): RuleFinding {
  return { outcome: "fail", location, details, ...rest };
}

export function inconclusive({ location = null, details = {}, ...rest }: Blocked): RuleFinding {
  return { outcome: "inconclusive", location, details, ...rest };
}

/** 47213884 → "47,213,884" */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

/** "3 scans", "1 scan"; nouns whose plural only adds an s */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** "a", "a and b", "a, b and c" */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** "idx_orders_user_id on orders" */
export function indexOnTable(index: ObjectName & { table: ObjectName | null }): string {
  return index.table === null ? displayName(index) : `${displayName(index)} on ${displayName(index.table)}`;
}

/** UTC, to the minute: "2026-03-13 20:47 UTC". */
export function utcMinute(instant: Date): string {
  return `${instant.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
