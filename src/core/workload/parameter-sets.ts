import type { ColumnUse, ParameterUse } from "./parameter-uses.ts";

/** Values of a column as the planner's statistics show them, as text that the column's type reads. */
export interface ColumnValues {
  /** "public.orders.user_id" */
  column: string;
  /** As few as a status has. */
  fewDistinct: boolean;
  /** Whether the values may be shown: the column has few distinct ones, or the user allows all. */
  mayBeRecorded: boolean;
  /** The most common value first; falls back to the middle of the histogram. */
  common: string;
  /** One that few rows have; null where no other value is known. */
  rare: string | null;
  /** Sorted, at most some dozens; empty: no histogram. */
  bounds: readonly string[];
}

const setNames = ["common", "rare", "typical"] as const;
type SetName = (typeof setNames)[number];

/** One value for each parameter $1 … $n. */
export interface ParameterSet {
  name: SetName;
  values: readonly (string | null)[];
  /** What a plan record says of the values: text, null, or a label where a value must not leave the server. */
  recorded: readonly unknown[];
  withheld: boolean;
}

export type ParameterSets = { ok: true; sets: ParameterSet[] } | { ok: false; reason: string };

/** A page of a list. */
const limitValue = "20";
const offsetValue = "0";

/**
 * Parameter sets for a query: every parameter common, every one rare, and the usual rows of an ordinary key (typical:
 * rare where a column has many distinct values, common where it has few). Equal sets are one.
 * @param types of $1 … $n as the server names them.
 */
export function parameterSets(
  uses: readonly ParameterUse[],
  types: readonly string[],
  valuesOf: (column: ColumnUse) => ColumnValues | null,
): ParameterSets {
  const sets: ParameterSet[] = [];
  for (const name of setNames) {
    const values: (string | null)[] = [];
    const recorded: unknown[] = [];
    let withheld = false;
    for (const [index, use] of uses.entries()) {
      const chosen = choose(use, { type: types[index] ?? "unknown", name, uses, valuesOf });
      if (typeof chosen === "string") return { ok: false, reason: `$${index + 1}: ${chosen}` };
      values.push(chosen.value);
      recorded.push(chosen.label ?? chosen.value);
      withheld ||= chosen.label !== null;
    }
    if (sets.some((set) => JSON.stringify(set.values) === JSON.stringify(values))) continue;
    sets.push({ name, values, recorded, withheld });
  }
  return { ok: true, sets };
}

/** SQL constants for the parameters whose generic plan means nothing: of LIMIT $n the planner assumes a tenth of all rows. */
export function limitConstants(uses: readonly ParameterUse[]): Map<number, string> {
  const constants = new Map<number, string>();
  for (const [index, { kind }] of uses.entries()) {
    if (kind === "limit") constants.set(index + 1, limitValue);
    if (kind === "offset") constants.set(index + 1, offsetValue);
  }
  return constants;
}

interface Chosen {
  value: string | null;
  /** Stands for the value where that is withheld. */
  label: { value: string; of: string } | null;
}

interface Choice {
  type: string;
  name: SetName;
  uses: readonly ParameterUse[];
  valuesOf(column: ColumnUse): ColumnValues | null;
}

/** A string: why there is no value. */
function choose(use: ParameterUse, { type, name, uses, valuesOf }: Choice): Chosen | string {
  if (use.kind === "limit") return { value: limitValue, label: null };
  if (use.kind === "offset") return { value: offsetValue, label: null };
  if (use.kind === "output") return { value: null, label: null };
  if (use.kind === "unknown") {
    const value = typicalValues.get(type);
    return value === undefined ? "nothing says which values it takes" : { value, label: null };
  }
  const known = valuesOf(use.column);
  if (known === null) return `there are no statistics of ${use.column.column} that this role may read`;
  const share = name === "typical" ? (known.fewDistinct ? "common" : "rare") : name;
  const opposite = use.kind === "lower-bound" ? "upper-bound" : "lower-bound";
  const isRange = uses.some((other) => other.kind === opposite && other.column.column === use.column.column);
  const value = asWritten(use.kind, columnValue(use.kind, known, share, isRange));
  return { value, label: known.mayBeRecorded ? null : { value: share, of: known.column } };
}

/** For parameters such as the interval of now() - $1. */
const typicalValues: ReadonlyMap<string, string> = new Map([
  ["interval", "1 day"],
  ["boolean", "true"],
]);

/** Of a bound, the common set takes most rows and the rare one few. */
function columnValue(
  kind: ParameterUse["kind"],
  { common, rare, bounds }: ColumnValues,
  share: "common" | "rare",
  isRange: boolean,
): string {
  const at = (position: number) => bounds[Math.round(position * (bounds.length - 1))] ?? common;
  if (kind === "lower-bound") return at(share === "common" ? 0.1 : isRange ? 0.5 : 0.99);
  if (kind === "upper-bound") return at(share === "common" ? 0.9 : isRange ? 0.51 : 0.01);
  return share === "common" ? common : (rare ?? common);
}

function asWritten(kind: ParameterUse["kind"], value: string): string {
  if (kind === "array") return `{"${value.replace(/["\\]/g, "\\$&")}"}`;
  if (kind === "pattern") return `${value.replace(/[%_\\]/g, "\\$&")}%`;
  return value;
}
