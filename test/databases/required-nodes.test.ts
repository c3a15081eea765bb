import { evidenceBundleSchema, type Trust, type TrustedBundle } from "../../src/core/evidence/bundle.ts";
import { buildEvidenceView, type RequiredNode } from "../../src/core/evidence/view.ts";
import { requiredNodes } from "../../src/core/rule-support/observation.ts";

const at = new Date("2026-03-11T12:00:00Z");

function bundle(name: string, role: "primary" | "replica", minutesOld: number, trust: Trust = "pulled"): TrustedBundle {
  const raw = {
    version: 1,
    capturedAt: new Date(at.getTime() - minutesOld * 60_000).toISOString(),
    server: { name, role, ...(role === "primary" && { standbys: 1 }) },
    indexUsage: { windowStart: "2026-01-01T00:00:00Z", rows: [] },
    statements: { complete: true, rows: [{ query: "SELECT 1", totalMs: 1 }] },
  };
  return { bundle: evidenceBundleSchema.parse(raw), trust, digest: `sha256:${name}${minutesOld}` };
}

const read = (name: string): RequiredNode => ({ name, freshFrom: null });
const unread = (name: string): RequiredNode => ({ name, freshFrom: new Date(at.getTime() - 15 * 60_000) });
const primary = bundle("p", "primary", 1);

test.each<[string, TrustedBundle[], RequiredNode[] | null, string[]]>([
  ["every server was read", [primary, bundle("r", "replica", 1)], [read("p"), read("r")], []],
  ["the gate reads none of them", [primary, bundle("r", "replica", 60)], null, []],
  [
    "one could not be read, ever",
    [primary],
    [read("p"), unread("r")],
    ["there is no evidence of r, which could not be read", "the primary reports 1 standby and there is evidence of 0"],
  ],
  [
    "one could not be read now",
    [primary, bundle("r", "replica", 60)],
    [read("p"), unread("r")],
    ["r could not be read, and what is known of it is from before 2026-03-11 11:45 UTC"],
  ],
  [
    "what somebody sends does not stand in for it",
    [primary, bundle("r", "replica", 60), bundle("r", "replica", 1, "asserted")],
    [read("p"), unread("r")],
    ["r could not be read, and what is known of it is from before 2026-03-11 11:45 UTC"],
  ],
  [
    "one that the gate cannot reach at all, and whose collector signs what it pushes",
    [primary, bundle("r", "replica", 1, "signed")],
    [read("p"), unread("r")],
    [],
  ],
  [
    "a standby that nobody listed",
    [primary],
    [read("p")],
    ["the primary reports 1 standby and there is evidence of 0"],
  ],
])("%s", (_what, bundles, required, missing) => {
  const view = buildEvidenceView(bundles, "asserted", at, required);
  expect(requiredNodes(view, null).missing).toEqual(missing);
  const lacks = missing.some((clause) => clause.includes("could not be read"));
  expect(view.statements?.complete).toBe(!lacks);
});

test("a policy that names the nodes is followed", () => {
  const view = buildEvidenceView([primary, bundle("r", "replica", 60)], "asserted", at, [read("p"), unread("r")]);
  expect(requiredNodes(view, ["p"]).missing).toEqual([]);
  expect(requiredNodes(view, ["p", "r"]).missing).toHaveLength(1);
  expect(requiredNodes(view, ["p", "x"]).missing).toEqual(["there is no evidence of x"]);
});
