import { gatherEvidence } from "../../src/app/gather-evidence.ts";
import { loadPolicySet } from "../../src/core/policy/load.ts";

/** What the policies demand decides how new the evidence must be, and which counters of long ago are fetched. */
const minute = 60_000;
const day = 86_400_000;

function policySet(...rules: string[]) {
  return loadPolicySet(
    rules.map((rule, index) => ({
      path: `p${index}.yaml`,
      content: `version: 1\npolicy: p${index}\nenforcement: deny\nappliesTo: { environments: [e${index}] }\nrules:\n  ${rule}\n`,
    })),
  );
}

async function asked(rules: string[], needed = true) {
  const seen: { freshForMs: number[]; lookBacks: (readonly number[])[] } = { freshForMs: [], lookBacks: [] };
  await gatherEvidence(
    {
      databases: {
        names: ["orders"],
        find: () => ({ systemIdentifier: null, nodes: ["p"] }),
        refresh: async (_database, freshForMs) => {
          seen.freshForMs.push(freshForMs);
          return [];
        },
      },
      evidence: {
        bundlesOf: async (_database, lookBacks = []) => {
          seen.lookBacks.push([...lookBacks].sort((a, b) => a - b));
          return [];
        },
        add: async () => {},
        lastPull: async () => null,
        indexAges: async () => [],
      },
    },
    policySet(...rules),
    "orders",
    needed,
  );
  return seen;
}

test.each([
  ["the strictest maxAge counts, halved", ["index-usage: { maxAge: 2h }", "index-usage: { maxAge: 20m }"], 10 * minute],
  ["that of query plans too", ["replica-explain: { maxAge: 6m }"], 3 * minute],
  ["no rule about evidence: what is configured holds", ["human-review: {}"], Number.POSITIVE_INFINITY],
])("%s", async (_what, rules, freshForMs) => {
  expect((await asked(rules)).freshForMs).toEqual([freshForMs]);
});

test("counters from before each window that some policy demands, each once", async () => {
  const rules = ["index-usage: { observedFor: 35d }", "index-usage: { observedFor: 90d }", "index-redundancy: {}"];
  expect((await asked(rules)).lookBacks).toEqual([[35 * day, 90 * day]]);
});

test("nothing is read for a request that changes no schema or data", async () => {
  expect((await asked(["index-usage: {}"], false)).freshForMs).toEqual([]);
});
