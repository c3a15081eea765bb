import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, loadConfig } from "../../src/adapters/config/config.ts";

const primaryUrl = "postgresql://gate:hunter2@10.0.3.6:5432/orders";
const replicaUrl = "postgresql://gate:hunter2@10.0.3.7:5432/orders";
const env = {
  PRIMARY: primaryUrl,
  REPLICA: replicaUrl,
  EMPTY: "",
  MYSQL: "mysql://root:hunter2@db/x",
  TEXT: "host=db password=hunter2",
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "plangate-databases-"));
  writeFileSync(join(folder, "replica.url"), `${replicaUrl}\n`);
  writeFileSync(join(folder, "empty.url"), "\n");
  writeFileSync(join(folder, "wrong.url"), "password is hunter2");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (text: string) => loadConfig(text, join(folder, "plangate.yaml"), env);

function problems(text: string): string[] {
  try {
    load(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map(({ line, column, key, message }) => `${line}:${column} ${key}: ${message}`);
  }
  return [];
}

test("a database with its nodes", () => {
  const text = `
databases:
  - name: orders-production
    systemIdentifier: "7412345678901234567"
    refreshEvery: 5m
    nodes:
      - { name: orders-primary, urlEnv: PRIMARY }
      - { name: orders-replica-1, urlFile: replica.url }
  - name: __proto__
    nodes: [{ name: constructor, urlEnv: REPLICA }]
`;
  expect(load(text).databases).toEqual(
    new Map([
      [
        "orders-production",
        {
          name: "orders-production",
          systemIdentifier: "7412345678901234567",
          refreshEveryMs: 300_000,
          nodes: [
            { name: "orders-primary", url: primaryUrl, urlFile: null },
            { name: "orders-replica-1", url: replicaUrl, urlFile: join(folder, "replica.url") },
          ],
        },
      ],
      [
        "__proto__",
        {
          name: "__proto__",
          systemIdentifier: null,
          refreshEveryMs: 900_000,
          nodes: [{ name: "constructor", url: replicaUrl, urlFile: null }],
        },
      ],
    ]),
  );
});

const oneNode = (node: string) => `databases: [{ name: orders, nodes: [${node}] }]`;
const one = (rest: string) => `databases: [{ name: orders, nodes: [{ name: p, urlEnv: PRIMARY }], ${rest} }]`;

test.each([
  ["no URL", oneNode("{ name: p }"), "1:37 databases[0].nodes[0]: set either `urlEnv` or `urlFile`"],
  ["two", oneNode("{ name: p, urlEnv: PRIMARY, urlFile: x }"), "nodes[0]: set either `urlEnv` or `urlFile`"],
  ["the URL itself", oneNode("{ name: p, url: postgres://u:hunter2@h/d }"), "nodes[0].url: unknown key"],
  ["a missing variable", oneNode("{ name: p, urlEnv: NONE }"), "the environment variable NONE is not set or empty"],
  ["an empty variable", oneNode("{ name: p, urlEnv: EMPTY }"), "the environment variable EMPTY is not set or empty"],
  ["another database", oneNode("{ name: p, urlEnv: MYSQL }"), "MYSQL must hold a URL such as postgres://"],
  ["a connection string", oneNode("{ name: p, urlEnv: TEXT }"), "TEXT must hold a URL such as postgres://"],
  ["a missing file", oneNode("{ name: p, urlFile: no.url }"), "no.url: there is no such file or directory"],
  ["a folder", oneNode("{ name: p, urlFile: . }"), "this is a directory"],
  ["an empty file", oneNode("{ name: p, urlFile: empty.url }"), "empty.url is empty"],
  ["another file", oneNode("{ name: p, urlFile: wrong.url }"), "wrong.url must hold a URL such as postgres://"],
  ["a bare identifier", one("systemIdentifier: 7412345678901234567"), "a number in quotes"],
  ["no identifier", one('systemIdentifier: "abc"'), "a number in quotes"],
  ["a short refresh", one("refreshEvery: 1s"), "databases[0].refreshEvery: must be from 10s to 24h"],
  ["a long refresh", one("refreshEvery: 2d"), "must be from 10s to 24h"],
  [
    "an unknown key",
    one("refresh: 5m"),
    "databases[0].refresh: unknown key; allowed: name, systemIdentifier, nodes, refreshEvery",
  ],
  ["no nodes", "databases: [{ name: orders, nodes: [] }]", "databases[0].nodes: "],
  ["an object", "databases: { orders: {} }", "databases: expected a list"],
  [
    "one server twice",
    oneNode("{ name: p, urlEnv: PRIMARY }, { name: q, urlEnv: PRIMARY }"),
    "nodes[1]: has the same URL as p: they are one server",
  ],
  [
    "one name twice",
    oneNode("{ name: p, urlEnv: PRIMARY }, { name: p, urlEnv: REPLICA }"),
    "nodes[1].name: another node has the same name",
  ],
])("%s is refused, with its place and no password", (_what, text, message) => {
  const found = problems(text);
  expect(found).toEqual([expect.stringContaining(message)]);
  expect(found.join()).not.toContain("hunter2");
});

test("two databases of one name", () => {
  const entry = "{ name: a, nodes: [{ name: p, urlEnv: PRIMARY }] }";
  expect(problems(`databases: [${entry}, ${entry}]`)).toEqual([
    expect.stringContaining("databases[1].name: another database has the same name"),
  ]);
});

test("a program that needs no server does not look for their URLs", () => {
  const text = oneNode("{ name: p, urlEnv: NONE }");
  expect(loadConfig(text, join(folder, "plangate.yaml"), null).databases).toEqual(new Map());
});
