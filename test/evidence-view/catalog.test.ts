import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { gone } from "../support/edit-json.ts";
import { ago, days, index, indexScan, judge, plansOf, primary, replica, type Sent, sequentialScan } from "./support.ts";

/** Catalogues of several bundles. */

beforeAll(loadGrammar);

const dropped = index("idx_orders_user", ["user_id"]);
const cover = index("idx_orders_user_created", ["user_id", "created_at"]);
const indexes = (...rows: object[]) => ({ "catalog.indexes": rows });
const captured = (hours: number) => ({ capturedAt: ago(hours) });
/** In use, so that only an index that covers it makes it redundant. */
const used = { "indexUsage.rows.0.scans": 9 };

describe("an index that could take over", () => {
  const rule = "index-redundancy: {}";
  test.each<[string, Sent[], string, string]>([
    ["is in all of them", [["signed", primary(), { ...indexes(dropped, cover), ...used }]], "pass", "is covered by"],
    [
      "is in an asserted one alone, while the signed one shows the table's indexes",
      [
        ["signed", primary(), used],
        ["asserted", primary(), indexes(dropped, cover)],
      ],
      "fail",
      "is not shown alike by all evidence bundles",
    ],
    [
      "is in a signed one, and an asserted one of the same time does not have it",
      [
        ["signed", primary(), { ...indexes(dropped, cover), ...used }],
        ["asserted", primary()],
      ],
      "fail",
      "is not shown alike by all evidence bundles",
    ],
    [
      "has other keys by an asserted one",
      [
        ["signed", primary(), { ...indexes(dropped, cover), ...used }],
        ["asserted", primary(), indexes(dropped, index("idx_orders_user_created", ["created_at"]))],
      ],
      "fail",
      "is not shown alike by all evidence bundles",
    ],
    [
      "was there last week and is gone",
      [
        ["signed", primary(), used],
        ["signed", primary(), { ...indexes(dropped, cover), ...captured(7 * days) }],
      ],
      "fail",
      "is in use, and no surviving index covers (user_id)",
    ],
    [
      "was built since last week",
      [
        ["signed", primary(), { ...indexes(dropped, cover), ...used }],
        ["signed", primary(), captured(7 * days)],
      ],
      "pass",
      "is covered by",
    ],
    [
      "is not yet on a standby that lags",
      [
        ["signed", primary(), { ...indexes(dropped, cover), ...used }],
        ["signed", replica(), captured(1.01)],
      ],
      "fail",
      "is not shown alike by all evidence bundles",
    ],
    [
      "is printed in another way, and the same",
      [
        ["signed", primary(), { ...indexes(dropped, cover), ...used }],
        [
          "asserted",
          primary(),
          indexes(dropped, {
            ...cover,
            keys: [
              { column: "user_id", nulls: "last", collation: null },
              { column: "created_at", order: "asc" },
            ],
            predicate: null,
          }),
        ],
      ],
      "pass",
      "is covered by",
    ],
    [
      "is on a table that the most trusted catalogue does not show",
      [
        ["pulled", replica(), { catalog: gone }],
        ["signed", primary(), { ...indexes(dropped, cover), ...used }],
      ],
      "pass",
      "is covered by",
    ],
  ])("%s", (_name, sent, outcome, message) => {
    expect(judge(rule, sent)).toMatchObject({ outcome, message: expect.stringContaining(message) });
  });
});

describe("what makes it harder to drop", () => {
  const rule = "index-role: {}";
  const foreignKey = {
    "catalog.constraints": [
      {
        schema: "public",
        table: "orders",
        name: "orders_user_fk",
        type: "foreign-key",
        columns: ["user_id"],
        references: { schema: "public", table: "users", columns: ["id"] },
      },
    ],
  };
  const noConstraints = { "catalog.constraints": [] };
  test.each<[string, Sent[], string, string]>([
    [
      "nothing",
      [
        ["signed", primary()],
        ["asserted", primary()],
      ],
      "pass",
      "enforces nothing",
    ],
    [
      "a role that only the signed catalogue shows",
      [
        ["signed", primary(), indexes({ ...dropped, unique: true })],
        ["asserted", primary()],
      ],
      "fail",
      "enforces the uniqueness of (user_id)",
    ],
    [
      "a role that only an asserted catalogue shows",
      [
        ["signed", primary()],
        ["asserted", primary(), indexes({ ...dropped, replicaIdentity: true })],
      ],
      "fail",
      "is the table's replica identity",
    ],
    [
      "a foreign key that asserted bundles leave out, with an index that they call invalid",
      [
        ["signed", primary(), foreignKey],
        ["asserted", primary(), { ...noConstraints, ...indexes({ ...dropped, valid: false }) }],
        ["asserted", primary(), { ...noConstraints, ...indexes(index("idx_other", ["id"])) }],
      ],
      "fail",
      "alone supports the foreign key orders_user_fk",
    ],
    [
      "a foreign key that an index of an asserted bundle would support as well",
      [
        ["signed", primary(), foreignKey],
        ["asserted", primary(), { ...foreignKey, ...indexes(dropped, cover) }],
      ],
      "fail",
      "alone supports the foreign key orders_user_fk",
    ],
    [
      "a foreign key that only an asserted bundle shows",
      [
        ["signed", primary()],
        ["asserted", primary(), foreignKey],
      ],
      "fail",
      "alone supports the foreign key orders_user_fk",
    ],
    [
      "not a foreign key of last week",
      [
        ["signed", primary()],
        ["signed", primary(), { ...foreignKey, ...captured(7 * days) }],
      ],
      "pass",
      "enforces nothing",
    ],
  ])("%s", (_name, sent, outcome, message) => {
    expect(judge(rule, sent)).toMatchObject({ outcome, message: expect.stringContaining(message) });
  });
});

describe("how large a table is, which decides whether a sequential scan of it matters", () => {
  const rows = (count: number | null) => ({ "catalog.tables.0.rows": count });
  const flip = { plans: plansOf(indexScan, sequentialScan), catalog: gone };
  test.each<[string, Sent[], string]>([
    ["small by a signed bundle", [["signed", primary(), rows(10)]], "pass"],
    [
      "large by a signed one, small by an asserted one",
      [
        ["signed", primary(), rows(1e6)],
        ["asserted", primary(), rows(10)],
      ],
      "fail",
    ],
    [
      "small by a signed one, large by an asserted one",
      [
        ["signed", primary(), rows(10)],
        ["asserted", primary(), rows(1e6)],
      ],
      "fail",
    ],
    [
      "unknown by a signed one, small by an asserted one",
      [
        ["signed", primary(), rows(null)],
        ["asserted", primary(), rows(10)],
      ],
      "fail",
    ],
    [
      "never analysed by a signed one, small by an asserted one",
      [
        ["signed", primary(), rows(-1)],
        ["asserted", primary(), rows(10)],
      ],
      "fail",
    ],
    [
      "small by a signed one, large last week",
      [
        ["signed", primary(), rows(10)],
        ["signed", primary(), { ...rows(1e6), ...captured(7 * days) }],
      ],
      "pass",
    ],
  ])("%s", (_name, sent, outcome) => {
    const rule = "replica-explain: { smallTableRows: 1000 }";
    expect(judge(rule, [...sent, ["signed", replica(), flip]]).outcome).toBe(outcome);
  });
});
