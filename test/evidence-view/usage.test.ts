import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { gone } from "../support/edit-json.ts";
import { ago, days, judge, primary, replica, type Sent } from "./support.ts";

/** pulled > signed > asserted: for one server a lower trust never replaces a higher one; where two disagree, the worse counts. */

beforeAll(loadGrammar);

const rule = "index-usage: { observedFor: 35d, maxAge: 24h }";
const scans = (count: number) => ({ "indexUsage.rows.0.scans": count });
const captured = (hours: number) => ({ capturedAt: ago(hours) });
const counting = (since: string | null) => ({ "indexUsage.windowStart": since });
const both: Sent[] = [
  ["signed", primary()],
  ["signed", replica()],
];

describe("counters of one server with two trusts", () => {
  test.each<[string, Sent[], string, string]>([
    [
      "both trusts agree",
      [...both, ["asserted", replica()]],
      "pass",
      "has no scans on orders-primary and orders-replica-1",
    ],
    [
      "the less trusted one shows scans",
      [...both, ["asserted", replica(), scans(5)]],
      "fail",
      "5 scans on orders-replica-1",
    ],
    [
      "the more trusted one shows scans, a newer less trusted one does not",
      [
        ["signed", primary()],
        ["signed", replica(), { ...scans(5), ...captured(5) }],
        ["asserted", replica()],
      ],
      "fail",
      "5 scans on orders-replica-1",
    ],
    [
      "asserted does not freshen signed",
      [
        ["signed", primary()],
        ["signed", replica(), captured(48)],
        ["asserted", replica()],
      ],
      "inconclusive",
      "the counters of orders-replica-1 are from 2026-03-16 14:00 UTC, older than 24h",
    ],
    [
      "signed does not freshen pulled",
      [
        ["pulled", primary()],
        ["pulled", replica(), captured(48)],
        ["signed", replica()],
      ],
      "inconclusive",
      "older than 24h",
    ],
    [
      "pulled freshens signed",
      [...both, ["signed", replica(), captured(48)], ["pulled", replica()]],
      "pass",
      "no scans",
    ],
    [
      "asserted does not lengthen a signed window",
      [
        ["signed", primary()],
        ["signed", replica(), counting(ago(5 * days))],
        ["asserted", replica()],
      ],
      "inconclusive",
      "orders-replica-1 counts only since 2026-03-13 14:00 UTC",
    ],
    [
      "asserted does not supply a window that the signed bundle does not tell",
      [
        ["signed", primary()],
        ["signed", replica(), counting(null)],
        ["asserted", replica()],
      ],
      "inconclusive",
      "orders-replica-1 does not say since when it counts",
    ],
    [
      "asserted shortens a signed window",
      [...both, ["asserted", replica(), counting(ago(5 * days))]],
      "inconclusive",
      "by a less trusted bundle orders-replica-1 counts only since 2026-03-13 14:00 UTC",
    ],
    [
      "asserted does not supply a row that the signed bundle lacks",
      [
        ["signed", primary()],
        ["signed", replica(), { "indexUsage.rows": [] }],
        ["asserted", replica()],
      ],
      "inconclusive",
      "the usage rows of orders-replica-1 do not have this index",
    ],
    [
      "the same count 40 days ago, signed: no scans since",
      [
        ["signed", primary()],
        ["signed", replica(), scans(6e9)],
        ["signed", replica(), { ...scans(6e9), ...captured(40 * days) }],
      ],
      "pass",
      "no scans",
    ],
    [
      "the same count 40 days ago, asserted only: nobody knows",
      [
        ["signed", primary()],
        ["signed", replica(), scans(6e9)],
        ["asserted", replica(), { ...scans(6e9), ...captured(40 * days) }],
      ],
      "fail",
      "6,000,000,000 scans on orders-replica-1",
    ],
  ])("%s", (_name, sent, outcome, message) => {
    expect(judge(rule, sent)).toMatchObject({ outcome, message: expect.stringContaining(message) });
  });
});

describe("minTrust", () => {
  const sent: Sent[] = [
    ["signed", primary()],
    ["asserted", replica()],
  ];
  test.each([
    ["asserted", "pass", []],
    ["signed", "inconclusive", ["The bundle of orders-replica-1 is asserted; the policy demands signed evidence."]],
    [
      "pulled",
      "inconclusive",
      [
        "The bundle of orders-primary is signed; the policy demands pulled evidence.",
        "The bundle of orders-replica-1 is asserted; the policy demands pulled evidence.",
      ],
    ],
  ] as const)("%s", (minTrust, outcome, warnings) => {
    expect(judge(rule, sent, minTrust)).toMatchObject({ outcome, warnings });
  });
});

describe("what does not belong to the evidence", () => {
  const otherCluster = { "server.systemIdentifier": "9999999999999999999" };
  const otherDatabase = { "server.database": "billing" };
  const leftOut = (what: string) => expect.stringMatching(`^The bundle of orders-replica-1 is of another ${what} `);

  test.each<[string, Sent[], string, unknown[]]>([
    [
      "an asserted bundle of another cluster beside signed ones is left out",
      [...both, ["asserted", replica(), { ...otherCluster, ...scans(5) }]],
      "pass",
      [leftOut("cluster")],
    ],
    [
      "and does not stand in for a standby",
      [
        ["signed", primary()],
        ["asserted", replica(), otherCluster],
      ],
      "inconclusive",
      [leftOut("cluster")],
    ],
    [
      "signed bundles of another cluster do not count beside pulled ones",
      [
        ["pulled", primary()],
        ["pulled", replica()],
        ["signed", replica(), otherCluster],
        ["asserted", replica(), otherCluster],
      ],
      "pass",
      [leftOut("cluster")],
    ],
    [
      "bundles of two clusters with the same trust: nothing says which is meant",
      [
        ["signed", primary()],
        ["signed", replica(), otherCluster],
      ],
      "inconclusive",
      [
        "The bundles are of 2 clusters (system identifiers 7412345678901234567, 9999999999999999999); none of them counts.",
      ],
    ],
    [
      "even where more trusted ones do not say which cluster they are of, less trusted ones must agree",
      [
        ["pulled", primary(), { "server.systemIdentifier": gone }],
        ["asserted", replica()],
        ["asserted", replica("orders-replica-2"), otherCluster],
      ],
      "inconclusive",
      [expect.stringContaining("none of them counts")],
    ],
    [
      "another database of the same cluster",
      [
        ["signed", primary()],
        ["signed", replica()],
        ["asserted", replica(), { ...otherDatabase, ...scans(5) }],
      ],
      "pass",
      [leftOut("database")],
    ],
    [
      "two databases with the same trust, such as production and its copy",
      [
        ["signed", primary()],
        ["signed", replica(), otherDatabase],
      ],
      "inconclusive",
      ["The bundles are of 2 databases (names orders, billing); none of them counts."],
    ],
    [
      "a bundle from the future",
      [...both, ["pulled", replica(), { ...captured(-1), ...scans(0) }]],
      "pass",
      ["The bundle of orders-replica-1 was captured at 2026-03-18T15:00:00.000Z, after this evaluation."],
    ],
    [
      "a bundle from the future is no evidence of a node",
      [
        ["signed", primary()],
        ["signed", replica(), captured(-1)],
      ],
      "inconclusive",
      ["The bundle of orders-replica-1 was captured at 2026-03-18T15:00:00.000Z, after this evaluation."],
    ],
    [
      "clocks that differ by less than five minutes",
      [
        ["signed", primary(), captured(-0.05)],
        ["signed", replica()],
      ],
      "pass",
      [],
    ],
  ])("%s", (_name, sent, outcome, warnings) => {
    expect(judge(rule, sent)).toMatchObject({ outcome, warnings });
  });
});

describe("standbys that the primary reports and nobody covers", () => {
  const standbys = (count: number | null, hours = 1) => ({ "server.standbys": count, ...captured(hours) });
  test.each<[string, Sent[], string, string]>([
    ["one of one", both, "pass", ""],
    [
      "one of two",
      [
        ["signed", primary(), standbys(2)],
        ["signed", replica()],
      ],
      "inconclusive",
      "the primary reports 2 standbys and there is evidence of 1",
    ],
    [
      "a later asserted bundle reports one more",
      [...both, ["asserted", primary(), standbys(2, 0.5)]],
      "inconclusive",
      "the primary reports 2 standbys and there is evidence of 1",
    ],
    [
      "a later asserted bundle reports fewer",
      [
        ["signed", primary(), standbys(2)],
        ["signed", replica()],
        ["asserted", primary(), standbys(0, 0.5)],
      ],
      "inconclusive",
      "the primary reports 2 standbys and there is evidence of 1",
    ],
    ["an earlier asserted bundle is out of date", [...both, ["asserted", primary(), standbys(3, 20)]], "pass", ""],
    ["an earlier signed bundle is out of date", [...both, ["signed", primary(), standbys(3, 20)]], "pass", ""],
    [
      "the signed bundle does not say, an asserted one says none",
      [
        ["signed", primary(), standbys(null)],
        ["signed", replica()],
        ["asserted", primary(), standbys(0)],
      ],
      "inconclusive",
      "the primary's bundle does not say how many standbys it has",
    ],
    [
      "a newer signed bundle with plans alone does not take the number away",
      [...both, ["signed", primary(), { ...standbys(null, 0.5), indexUsage: gone }]],
      "pass",
      "",
    ],
  ])("%s", (_name, sent, outcome, message) => {
    expect(judge(rule, sent)).toMatchObject({ outcome, message: expect.stringContaining(message) });
  });
});

describe("which node a bundle is of", () => {
  const process = (address: string) => ({
    "server.address": address,
    "server.port": 5432,
    "server.startedAt": ago(90 * days),
  });
  const named = "index-usage: { nodes: [orders-primary, orders-replica-1, orders-replica-2] }";

  test.each<[string, string, Sent[], string, string]>([
    [
      "one node under two names counts once",
      rule,
      [
        ["signed", primary(), { "server.standbys": 2 }],
        ["signed", replica(), process("10.0.0.7")],
        ["signed", replica("orders-replica-2"), process("10.0.0.7")],
      ],
      "inconclusive",
      "the primary reports 2 standbys and there is evidence of 1",
    ],
    [
      "also where the second name is only asserted",
      rule,
      [
        ["signed", primary(), { "server.standbys": 2 }],
        ["signed", replica(), process("10.0.0.7")],
        ["asserted", replica("orders-replica-2"), process("10.0.0.7")],
      ],
      "inconclusive",
      "the primary reports 2 standbys and there is evidence of 1",
    ],
    [
      "an asserted bundle does not rename a signed node",
      named,
      [
        ["signed", primary()],
        ["signed", replica(), process("10.0.0.7")],
        ["signed", replica("orders-replica-2"), process("10.0.0.8")],
        ["asserted", replica("a-name-that-sorts-first"), process("10.0.0.7")],
      ],
      "pass",
      "orders-primary, orders-replica-1 and orders-replica-2",
    ],
    [
      "an asserted bundle does not make one node out of two signed ones, of which one is stale",
      "index-usage: { maxAge: 24h }",
      [
        ["signed", primary(), { ...process("10.0.0.6"), "server.standbys": 0 }],
        ["signed", replica(), { ...process("10.0.0.7"), ...captured(48), ...scans(0) }],
        ["asserted", replica(), process("10.0.0.6")],
      ],
      "inconclusive",
      "the counters of orders-replica-1 are from 2026-03-16 14:00 UTC",
    ],
    [
      "two asserted names tied together by a third bundle are one node, as nothing more trusted tells them apart",
      rule,
      [
        ["signed", primary(), { "server.standbys": 2 }],
        ["asserted", replica()],
        ["asserted", replica("orders-replica-2"), process("10.0.0.7")],
        ["asserted", replica(), process("10.0.0.7")],
      ],
      "inconclusive",
      "the primary reports 2 standbys and there is evidence of 1",
    ],
    [
      "an asserted change of role does not turn a standby into the primary",
      rule,
      [
        ["signed", replica("orders-primary")],
        ["asserted", primary(), captured(0.5)],
      ],
      "inconclusive",
      "there is no evidence of the primary",
    ],
  ])("%s", (_name, policyRule, sent, outcome, message) => {
    expect(judge(policyRule, sent)).toMatchObject({ outcome, message: expect.stringContaining(message) });
  });
});
