import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import request from "supertest";
import { caller, pipelineKey, secrets, signedHeaders } from "../callers/world.ts";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";

/**
 * Security checklist, "Parsers": what a request or a policy file can do to the program that reads it. Everything gets an answer, and the
 * gate goes on deciding. Slow clients are in slow-clients.test.ts, all of YAML in test/policy and test/config.
 */

let gate: TestGate;
beforeAll(async () => {
  gate = await startTestGate(() => ({
    callers: [caller("pipeline", secrets(pipelineKey), { services: ["*"], environments: ["*o*o*o*o*o*o*x", "*"] })],
  }));
});
afterAll(() => gate.cleanup());

let ids = 0;
const timestamp = Date.parse(wednesdayNoon) / 1000;
const send = (text: string, headers: Record<string, string> = {}, path = "/v1/decisions?mode=json") => {
  ids += 1;
  return request(gate.url)
    .post(path)
    .set("Content-Type", "application/json")
    .set({ ...signedHeaders(text, { id: `msg_${ids}`, timestamp }), ...headers })
    .send(text);
};
const decided = async (body: object) => (await send(JSON.stringify(body)).expect(200)).body;
afterEach(async () => {
  expect(await decided(deploy)).toMatchObject({ allowed: true });
});

describe("ReDoS: hostile text of a megabyte is read once", () => {
  const mega = (part: string) => part.repeat(Math.ceil(1_000_000 / part.length));
  const texts: [string, string][] = [
    ["a number without an end after an assistant's name", `ai${"1".repeat(1_000_000)} x`],
    ["an assistant's name and numbers", mega("ai 1 ")],
    ["an assistant's name and versions", mega("gpt-4.1-")],
    ["line breaks", mega("\n")],
    ["trailers of assistants", mega("Co-authored-by: ai-1-")],
    ["trailers without an end", mega("Co-authored-by: ")],
    ["trailers, each on its line", mega("Co-authored-by: a\n")],
    ["generated with, and nobody", mega("generated with ")],
    ["generated, and blanks", `generated${mega(" ")}x`],
    ["covered, and blanks", `covered${mega(" ")}x`],
    ["words that claim redundancy", mega("redundant duplicate ")],
    ["dots and words", mega("a.")],
    ["quotes", mega('"')],
    ["backslashes", mega("\\")],
    ["dashes of PEM", mega("-----BEGIN ")],
    ["beginnings of tokens", mega("eyJhbGciOiJ")],
    ["passwords in URLs", mega("//a:")],
  ];

  it.each(texts)("%s", async (_name, text) => {
    const sql = `-- ${text.replaceAll("\n", " ")}\nSELECT 1;\n/* ${text.replaceAll("*/", "")} */ DROP INDEX a;`;
    const decision = await decided({
      ...deploy,
      description: text,
      commits: [{ sha: "c".repeat(40), message: text }],
      pipeline: { url: text.slice(0, 100_000) },
      migrations: [{ path: "a.sql", sql }],
    });
    expect(decision.decision).toBe("rejected");
  });

  const plans: [string, string][] = [
    ["brackets", mega("(")],
    ["costs without an end", `Seq Scan on a  (cost=${"0".repeat(1_000_000)}`],
    ["arrows", mega("->  ")],
    ["a name in quotes without an end", `Seq Scan on "${mega("a")}`],
    ["a label without an end", mega("Filter ")],
    ["blanks", mega(" ")],
    ["rules of a table", mega("-")],
  ];
  it.each(plans)("query plans: %s", async (_name, plan) => {
    const evidence = [
      {
        version: 1,
        capturedAt: wednesdayNoon,
        server: { name: "a", role: "replica" },
        plans: [{ query: "SELECT 1", phase: "before", method: "explain", plan }],
      },
    ];
    const answer = await send(JSON.stringify({ ...deploy, evidence }));
    expect([200, 400]).toContain(answer.status);
  });

  it.each<[string, Record<string, string>]>([
    ["a bearer token of blanks", { authorization: `Bearer${" ".repeat(12_000)}` }],
    ["a token of full stops", { authorization: `Bearer ${".".repeat(12_000)}` }],
    ["a signature of commas", { "webhook-signature": "v1,".repeat(4_000) }],
    ["a signature of blanks", { "webhook-signature": `v1,${" ".repeat(12_000)}x` }],
    ["a timestamp of digits", { "webhook-timestamp": "1".repeat(12_000) }],
    ["a content type of semicolons", { "content-type": `application/json${";".repeat(12_000)}` }],
    ["a host of colons", { host: ":1".repeat(6_000) }],
  ])("headers: %s", async (_name, headers) => {
    expect((await send(JSON.stringify(deploy), headers)).status).toBeLessThan(500);
  });

  it("names against globs with many stars", async () => {
    await send(JSON.stringify({ ...deploy, environment: "o".repeat(200) })).expect(200);
  });

  it.each(["expectedDuration", "at"])("numbers without an end: %s", async (key) => {
    const digits = "9".repeat(1_000_000);
    const body =
      key === "at"
        ? { ...deploy, approvals: [{ by: "a", of: "query-plans", at: `2026-03-11T12:00:00.${digits}` }] }
        : { ...deploy, [key]: digits };
    await send(JSON.stringify(body)).expect(400);
  });
});

describe("JSON", () => {
  it.each([
    ["__proto__", '{"__proto__":{"allowed":true},"service":"a","environment":"b"}', "bad-json"],
    ["__proto__ by an escape", '{"\\u005f_proto__":{"allowed":true},"service":"a","environment":"b"}', "bad-json"],
    ["__proto__ further in", '{"service":"a","environment":"b","pipeline":{"__proto__":{"url":"x"}}}', "bad-json"],
    ["constructor", '{"service":"a","environment":"b","constructor":{"prototype":{"allowed":true}}}', "bad-request"],
    ["a duplicate key", '{"service":"a","environment":"staging","environment":"production"}', "bad-json"],
    ["deep JSON: arrays", `{"service":"a","environment":"b","images":${"[".repeat(100_000)}`, "bad-json"],
    ["deep JSON: objects", '{"a":'.repeat(100_000), "bad-json"],
    ["deep JSON that ends", `${"[".repeat(50_000)}${"]".repeat(50_000)}`, "bad-json"],
    ["a number that is none", '{"service":"a","environment":"b","commits":NaN}', "bad-json"],
    ["an unpaired surrogate", '{"service":"a\\ud800","environment":"b"}', "bad-json"],
    ["an unknown key", '{"service":"a","environment":"b","allowed":true}', "bad-request"],
    ["a hundred thousand unknown keys", `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`)}}`, "bad-request"],
    [
      "a hundred thousand commits",
      `{"service":"a","environment":"b","commits":[${Array(100_000).fill("{}")}]}`,
      "bad-request",
    ],
  ])("%s", async (_name, text, code) => {
    const answer = await send(text).expect(400);
    expect(answer.body.code).toBe(code);
    expect(answer.text.length).toBeLessThan(100_000);
  });

  it("oversize: a body over 8 MiB is 413, announced or in chunks", async () => {
    const huge = " ".repeat(8 * 1024 * 1024 + 1);
    expect((await send(huge).expect(413)).body.code).toBe("body-too-large");
  });
});

describe("the query of a URL", () => {
  it.each(["__proto__=1", "__proto__[mode]=json", "constructor=1", "mode[]=json", "mode=json&mode=json", "mode=%00"])(
    "?%s",
    async (query) => {
      const answer = await send(JSON.stringify(deploy), {}, `/v1/decisions?${query}`).expect(400);
      expect(answer.body.code).toBe("bad-request");
    },
  );
});

describe("YAML that a gate is given while it runs: the last good policies stay", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg", "gh"].map((pair) => [...pair])) {
    bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(",")}]`);
  }
  it.each([
    ["alias bomb", bomb.join("\n")],
    ["deep nesting", `a: ${"[".repeat(200_000)}`],
    ["<< pollution", "version: 1\npolicy: deploys\n<<: { enforcement: dryrun }\n"],
    ["<< of __proto__", "version: 1\npolicy: deploys\n<<: { __proto__: { enforcement: dryrun } }\n"],
    ["__proto__", "version: 1\npolicy: deploys\n__proto__: { enforcement: dryrun }\n"],
    ["constructor", "version: 1\npolicy: deploys\nconstructor: { prototype: { enforcement: dryrun } }\n"],
    ["duplicate keys", "version: 1\npolicy: deploys\nenforcement: deny\nenforcement: dryrun\n"],
    ["a coercion: no", "version: 1\npolicy: deploys\nenforcement: no\n"],
    ["a coercion: a time as sixty times a number", "%YAML 1.1\n---\nversion: 1\npolicy: deploys\nrules: {}\n"],
    ["a coercion: a date", "version: 1\npolicy: 2026-03-11\n"],
    ["a tag", "version: 1\npolicy: !!js/function 'function () {}'\n"],
    ["an unknown policy key", "version: 1\npolicy: deploys\nenforcment: dryrun\n"],
  ])("%s", async (_name, yaml) => {
    const file = join(gate.policyDirectory, "deploys.yaml");
    const good = readFileSync(file);
    const before = await decided(deploy);
    writeFileSync(file, yaml);
    await gate.reloadPolicies();
    const during = await decided(deploy);
    const ready = (await gate.get("/readyz")).body.policies;
    writeFileSync(file, good);
    await gate.reloadPolicies();
    expect(during.policyDigest).toBe(before.policyDigest);
    expect(during.warnings.join()).toContain("The policy files have been broken since");
    expect(ready).toMatch(/^stale since/);
  });
});
