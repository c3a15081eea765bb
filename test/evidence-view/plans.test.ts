import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { gone } from "../support/edit-json.ts";
import {
  ago,
  days,
  hotQuery,
  indexScan,
  judge,
  otherIndexScan,
  plansOf,
  primary,
  replica,
  type Sent,
  sequentialScan,
} from "./support.ts";

/** Query plans and the workload from bundles of different trust. */

beforeAll(loadGrammar);

const rule = "replica-explain: { maxAge: 24h, minCoverage: 0.95 }";
const harmless = plansOf(indexScan, otherIndexScan);
const flipping = plansOf(indexScan, sequentialScan);
const [before = {}, after = {}] = harmless;

/** A bundle with plans alone. */
const planned = (plans: object[], hours = 1) => ({
  capturedAt: ago(hours),
  plans,
  statements: gone,
  catalog: gone,
  indexUsage: gone,
});
const workload = (...rows: [query: string, totalMs: number][]) => ({
  "statements.rows": rows.map(([query, totalMs]) => ({ query, totalMs })),
});
const hot = workload([hotQuery, 1000]);
const known: Sent[] = [
  ["signed", primary(), hot],
  ["signed", replica()],
];

describe("plans of one query", () => {
  test.each<[string, Sent[], string, string]>([
    ["signed and harmless", [...known, ["signed", replica(), planned(harmless)]], "pass", "does not get worse"],
    [
      "signed and harmless, asserted and flipping",
      [...known, ["signed", replica(), planned(harmless)], ["asserted", replica(), planned(flipping)]],
      "fail",
      "The query plan gets worse",
    ],
    [
      "signed and flipping, newer asserted and harmless",
      [...known, ["signed", replica(), planned(flipping, 5)], ["asserted", replica(), planned(harmless)]],
      "fail",
      "The query plan gets worse",
    ],
    [
      "signed two days ago, asserted now: asserted does not freshen them",
      [...known, ["signed", replica(), planned(harmless, 48)], ["asserted", replica(), planned(harmless)]],
      "inconclusive",
      "its before plan is from 2026-03-16 14:00 UTC, older than 24h; its after plan is from 2026-03-16 14:00 UTC",
    ],
    [
      "before plan signed now, after plan signed two days ago and asserted now by another clone",
      [
        ...known,
        ["signed", replica(), planned([before])],
        ["signed", replica(), planned([after], 48)],
        ["asserted", replica(), planned([{ ...after, server: { name: "another-clone", role: "primary" } }])],
      ],
      "inconclusive",
      "its after plan is from 2026-03-16 14:00 UTC",
    ],
    [
      "signed two days ago, signed again now",
      [...known, ["signed", replica(), planned(harmless, 48)], ["signed", replica(), planned(harmless)]],
      "pass",
      "does not get worse",
    ],
    [
      "a before plan that says it is of another cluster",
      [
        ...known,
        [
          "signed",
          replica(),
          planned([{ ...before, server: { name: "x", role: "replica", systemIdentifier: "555" } }, after]),
        ],
      ],
      "inconclusive",
      "it has no before plan taken on a replica",
    ],
    [
      "a plan from the future in a bundle of the past",
      [...known, ["signed", replica(), planned([{ ...before, capturedAt: ago(-1) }, after])]],
      "inconclusive",
      "it has no before plan taken on a replica",
    ],
  ])("%s", (_name, sent, outcome, message) => {
    expect(judge(rule, sent)).toMatchObject({ outcome, message: expect.stringContaining(message) });
  });
});

describe("the workload", () => {
  const decoy = "SELECT count(*) FROM orders";
  const decoyPlan =
    "Aggregate  (cost=1.00..2.00 rows=1 width=8)\n  ->  Seq Scan on orders  (cost=0.00..1.00 rows=1 width=0)";
  const decoyPlans = planned(plansOf(decoyPlan, decoyPlan, decoy));
  const unexplained = "Nothing shows how this query will be planned";

  test.each<[string, Sent[], string, string]>([
    [
      "an asserted decoy that takes much time does not make a signed query negligible",
      [...known, ["asserted", primary(), workload([decoy, 1e12])], ["asserted", replica(), decoyPlans]],
      "inconclusive",
      unexplained,
    ],
    [
      "nor does one of a node that nobody else knows",
      [
        ...known,
        ["asserted", replica("orders-replica-2"), workload([decoy, 1e12])],
        ["asserted", replica(), decoyPlans],
      ],
      "inconclusive",
      unexplained,
    ],
    [
      "a signed query that takes a thousandth of the time may lack its plans",
      [
        ["signed", primary(), workload([hotQuery, 1], [decoy, 999])],
        ["signed", replica()],
        ["signed", replica(), decoyPlans],
      ],
      "pass",
      "do not get worse",
    ],
    [
      "a query that only an asserted bundle shows needs plans too",
      [
        ["signed", primary()],
        ["signed", replica()],
        ["asserted", primary(), hot],
      ],
      "inconclusive",
      unexplained,
    ],
    [
      "bundles of several days show the same running counters, which are not added up",
      [
        ["signed", primary(), workload([hotQuery, 60], [decoy, 940])],
        ...[1, 2, 3, 4, 5, 6].map(
          (day): Sent => ["signed", primary(), { ...workload([decoy, 940]), capturedAt: ago(day * days) }],
        ),
        ["signed", replica()],
        ["signed", replica(), decoyPlans],
      ],
      "inconclusive",
      unexplained,
    ],
    [
      "complete by the signed bundle, incomplete by a later asserted one",
      [
        ["signed", primary()],
        ["signed", replica()],
        ["asserted", primary(), { "statements.complete": false, capturedAt: ago(0.5) }],
      ],
      "inconclusive",
      "the workload in the evidence is not complete",
    ],
    [
      "incomplete by the signed bundle, complete by an asserted one",
      [
        ["signed", primary(), { "statements.complete": false }],
        ["signed", replica()],
        ["asserted", primary(), { capturedAt: ago(0.5) }],
      ],
      "inconclusive",
      "the workload in the evidence is not complete",
    ],
    [
      "incomplete last month, complete now",
      [
        ...known.slice(1),
        ["signed", primary()],
        ["signed", primary(), { "statements.complete": false, capturedAt: ago(30 * days) }],
      ],
      "pass",
      "No query of the known workload reads orders",
    ],
    [
      "known of the primary and not of the standby",
      [
        ["signed", primary()],
        ["signed", replica(), { statements: gone }],
      ],
      "inconclusive",
      "the workload in the evidence is not complete",
    ],
  ])("%s", (_name, sent, outcome, message) => {
    expect(judge(rule, sent)).toMatchObject({ outcome, message: expect.stringContaining(message) });
  });
});
