import { type EvidenceBundle, evidenceBundleSchema, type TrustedBundle } from "../../src/core/evidence/bundle.ts";
import { type IndexAge, rememberIndexes, withFirstSeen } from "../../src/core/evidence/index-ages.ts";

/** One index as a bundle shows it: [name, definition's column, oid, scans]. */
type Shown = readonly [name: string, column: string, oid: number, scans: number];

function bundleOf(node: string, day: number, shown: readonly Shown[], windowStart = "2026-01-01T00:00:00Z") {
  return evidenceBundleSchema.parse({
    version: 1,
    capturedAt: `2026-03-${String(day).padStart(2, "0")}T00:00:00Z`,
    server: { name: node, role: "primary" },
    catalog: {
      indexes: shown.map(([name, column, oid]) => ({
        schema: "public",
        table: "orders",
        name,
        oid,
        keys: [{ column }],
      })),
    },
    indexUsage: {
      windowStart,
      rows: shown.map(([index, , oid, scans]) => ({ schema: "public", table: "orders", index, oid, scans })),
    },
  });
}

/** What a gate remembers after it has read these bundles, one after the other. */
function remember(bundles: readonly EvidenceBundle[], whole = true): IndexAge[] {
  let known: IndexAge[] = [];
  for (const [position, bundle] of bundles.entries()) {
    const { changed, gone } = rememberIndexes(known, { bundle, whole, readBefore: position > 0 });
    const key = ({ name, definition }: IndexAge) => `${name} ${definition}`;
    const replaced = new Set([...changed, ...gone].map(key));
    known = [...known.filter((age) => !replaced.has(key(age))), ...changed];
  }
  return known;
}

function firstSeenOf(index: string, bundle: EvidenceBundle, known: readonly IndexAge[]): string | null {
  const trusted: TrustedBundle = { bundle, trust: "pulled", digest: "sha256:x" };
  const row = withFirstSeen([trusted], known)[0]?.bundle.indexUsage?.rows.find(
    (candidate) => candidate.index === index,
  );
  return row?.firstSeen?.toISOString().slice(0, 10) ?? null;
}

const a: Shown = ["a", "user_id", 1, 5];

test.each<[string, EvidenceBundle[], string | null]>([
  ["an index that was there when the gate first looked may be of any age", [bundleOf("p", 1, [a])], null],
  [
    "its counters started after the gate first looked: then it is older than they are",
    [bundleOf("p", 1, [a]), bundleOf("p", 9, [a], "2026-03-05T00:00:00Z")],
    "2026-03-01",
  ],
  [
    "an index that appears is no older than that",
    [bundleOf("p", 1, []), bundleOf("p", 4, [a]), bundleOf("p", 9, [a])],
    "2026-03-04",
  ],
  [
    "REINDEX CONCURRENTLY: another oid, the counters go on",
    [bundleOf("p", 1, []), bundleOf("p", 4, [a]), bundleOf("p", 9, [["a", "user_id", 2, 6]])],
    "2026-03-04",
  ],
  [
    "DROP and CREATE: another oid, the counters start again",
    [bundleOf("p", 1, [a]), bundleOf("p", 9, [["a", "user_id", 2, 0]])],
    "2026-03-09",
  ],
  [
    "DROP and CREATE that only the standby's counters betray",
    [
      bundleOf("p", 1, [["a", "user_id", 1, 0]]),
      bundleOf("s", 1, [["a", "user_id", 1, 700]]),
      bundleOf("s", 8, [["a", "user_id", 2, 0]]),
      bundleOf("p", 9, [["a", "user_id", 2, 0]]),
    ],
    "2026-03-08",
  ],
  [
    "a reset of the counters is no new index",
    [bundleOf("p", 1, []), bundleOf("p", 4, [a]), bundleOf("p", 9, [["a", "user_id", 1, 0]])],
    "2026-03-04",
  ],
  [
    "another definition is another index",
    [bundleOf("p", 1, [a]), bundleOf("p", 9, [["a", "status", 2, 9]])],
    "2026-03-09",
  ],
  [
    "gone and back again is new, though nobody ever scanned it",
    [bundleOf("p", 1, [["a", "user_id", 1, 0]]), bundleOf("p", 4, []), bundleOf("p", 9, [["a", "user_id", 2, 0]])],
    "2026-03-09",
  ],
])("%s", (_what, bundles, expected) => {
  const last = bundles.at(-1);
  if (last === undefined) throw new Error("no bundle");
  expect(firstSeenOf("a", last, remember(bundles))).toBe(expected);
});

test("an older bundle that arrives late makes an index older, and never another one", () => {
  const known = remember([bundleOf("p", 1, []), bundleOf("p", 6, [a]), bundleOf("p", 4, [a])]);
  expect(firstSeenOf("a", bundleOf("p", 9, [a]), known)).toBe("2026-03-04");
  const other = remember([bundleOf("p", 1, []), bundleOf("p", 6, [a]), bundleOf("p", 4, [["a", "user_id", 9, 900]])]);
  expect(firstSeenOf("a", bundleOf("p", 9, [a]), other)).toBe("2026-03-06");
});

test("a signed bundle may show a part of the database: what it leaves out is not gone", () => {
  const b: Shown = ["b", "status", 2, 0];
  const known = remember([bundleOf("p", 1, [a]), bundleOf("p", 4, [a, b]), bundleOf("p", 6, [a])], false);
  expect(firstSeenOf("b", bundleOf("p", 9, [a, b]), known)).toBe("2026-03-04");
});

test("a bundle's own claim can make an index younger than the gate knows, never older", () => {
  const known = remember([bundleOf("p", 1, []), bundleOf("p", 4, [a])]);
  const claiming = (firstSeen: string) => {
    const bundle = bundleOf("p", 9, [a]);
    for (const row of bundle.indexUsage?.rows ?? []) row.firstSeen = new Date(firstSeen);
    return bundle;
  };
  expect(firstSeenOf("a", claiming("2020-01-01T00:00:00Z"), known)).toBe("2026-03-04");
  expect(firstSeenOf("a", claiming("2026-03-07T00:00:00Z"), known)).toBe("2026-03-07");
  expect(firstSeenOf("a", claiming("2020-01-01T00:00:00Z"), [])).toBe("2020-01-01");
});

test("names that only JSON can hold are left alone", () => {
  expect(
    remember([
      bundleOf("p", 1, [
        ["a\0b", "user_id", 1, 0],
        ["__proto__", "constructor", 2, 0],
      ]),
    ]),
  ).toMatchObject([{ name: "__proto__" }]);
});
