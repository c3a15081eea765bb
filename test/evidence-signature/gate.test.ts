import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GateConfig } from "../../src/adapters/config/config.ts";
import { cli } from "../cli/run.ts";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";
import { editJson } from "../support/edit-json.ts";
import { type Collector, keysOf, newCollector, sampleBundle, signed } from "./support.ts";

/** Signatures in the flow: pushed evidence, evidence of a request, `plangate check`. */

const first = newCollector("first", "ES256");
const second = newCollector("second", "PS256");
const stranger = newCollector("stranger", "ES256");

const bundle = (server = "orders-replica-1") => ({ ...sampleBundle(server), capturedAt: "2026-03-11T11:00:00Z" });
const changed = (original: object) => {
  const copy = structuredClone(original);
  editJson(copy, "indexUsage.rows.0.scans", 0);
  return copy;
};

const trusting = (...collectors: Collector[]) => ({
  evidence: { retentionMs: null, keys: keysOf(...collectors) },
});

let gate: TestGate;
let afterRevocation: TestGate;
beforeAll(async () => {
  gate = await startTestGate(() => trusting(first, second));
  // The same store, by a gate from whose configuration the first key was taken out.
  afterRevocation = await startTestGate((config: GateConfig) => ({
    ...config,
    database: { url: gate.database.url },
    ...trusting(second),
  }));
});
afterAll(async () => {
  await afterRevocation.cleanup();
  await gate.cleanup();
});

const push = (database: string, body: object, to = gate) => to.post(`/v1/evidence?database=${database}`, body);
const held = async (database: string, by = gate) =>
  (await by.get(`/v1/evidence?database=${database}`).expect(200)).body.bundles.map(
    ({ server, trust }: Record<string, string>) => `${server} ${trust}`,
  );
const decide = async (request: object, by = gate) =>
  (await by.post("/v1/decisions?mode=json", { ...deploy, ...request }).expect(200)).body;
const used = ({ evidence }: { evidence: Record<string, string>[] }) =>
  evidence.map(({ server, trust }) => `${server} ${trust}`);

describe("POST /v1/evidence", () => {
  it("stores a signed bundle as signed, and one without a signature as asserted", async () => {
    await push("mixed", [signed(bundle(), first), bundle("orders-primary")]).expect(201);
    expect((await held("mixed")).sort()).toEqual(["orders-primary asserted", "orders-replica-1 signed"]);
  });

  it("refuses all of it where one signature does not hold, and says which", async () => {
    const body = [
      bundle("orders-primary"),
      changed(signed(bundle(), first)),
      signed(bundle("orders-replica-2"), stranger),
    ];
    const { body: problem } = await push("refused", body).expect(422);
    expect(problem).toMatchObject({
      code: "evidence-refused",
      errors: [
        {
          path: "[1].signature",
          message:
            "The evidence bundle of orders-replica-1 does not count: its content is not what the key first has signed.",
        },
        { path: "[2].signature", message: expect.stringContaining("is signed with the key stranger") },
      ],
    });
    expect(await held("refused")).toEqual([]);
  });

  it("raises the trust of a bundle that comes again with a signature, and never lowers it", async () => {
    await push("raised", bundle()).expect(201);
    expect(await held("raised")).toEqual(["orders-replica-1 asserted"]);
    await push("raised", signed(bundle(), first)).expect(201);
    expect(await held("raised")).toEqual(["orders-replica-1 signed"]);
    await push("raised", bundle()).expect(201);
    expect(await held("raised")).toEqual(["orders-replica-1 signed"]);
  });
});

describe("a deploy request", () => {
  it("lists its bundles with the trust that their signatures prove", async () => {
    const evidence = [signed(bundle(), second), bundle("orders-primary")];
    expect(used(await decide({ evidence }))).toEqual(["orders-replica-1 signed", "orders-primary asserted"]);
  });

  it("uses no bundle whose signature does not hold, and says so", async () => {
    const decision = await decide({ evidence: [changed(signed(bundle(), first)), bundle("orders-primary")] });
    expect(used(decision)).toEqual(["orders-primary asserted"]);
    expect(decision.warnings).toEqual([
      "The evidence bundle of orders-replica-1 does not count: its content is not what the key first has signed.",
    ]);
  });

  it("counts a bundle once, however it comes, with the highest trust", async () => {
    await push("once", bundle()).expect(201);
    const evidence = [bundle(), signed(bundle(), first), signed(bundle(), second)];
    expect(used(await decide({ database: "once", evidence }))).toEqual(["orders-replica-1 signed"]);
  });
});

describe("a key that is taken out of the configuration", () => {
  it("takes what it signed with it, also what was stored before", async () => {
    await push("revoked", [signed(bundle(), first), signed(bundle("orders-primary"), second)]).expect(201);
    expect(await held("revoked", afterRevocation)).toEqual(["orders-primary signed"]);
    const decision = await decide({ database: "revoked" }, afterRevocation);
    expect(used(decision)).toEqual(["orders-primary signed"]);
    expect(decision.warnings).toEqual([
      "A stored evidence bundle of orders-replica-1 does not count: the key that signed it is no longer trusted.",
    ]);
  });

  it("can be followed by another key's signature of the same bundle", async () => {
    await push("rotated", signed(bundle(), first)).expect(201);
    expect(await held("rotated", afterRevocation)).toEqual([]);
    await push("rotated", signed(bundle(), second), afterRevocation).expect(201);
    expect(await held("rotated", afterRevocation)).toEqual(["orders-replica-1 signed"]);
  });

  it("is refused from then on", async () => {
    await push("late", signed(bundle(), first), afterRevocation).expect(422);
  });
});

test("an expired key counts for nothing, by the gate's clock", async () => {
  const expiring = newCollector("expiring", "ES256", { notAfter: new Date("2026-03-11T13:00:00Z") });
  const own = await startTestGate(() => trusting(expiring));
  try {
    await own.post("/v1/evidence?database=a", signed(bundle(), expiring)).expect(201);
    own.setTime("2026-03-11T13:00:00Z");
    expect(await held("a", own)).toEqual([]);
    await own.post("/v1/evidence?database=a", signed(bundle("orders-primary"), expiring)).expect(422);
    own.setTime(wednesdayNoon);
    expect(await held("a", own)).toEqual(["orders-replica-1 signed"]);
  } finally {
    await own.cleanup();
  }
});

describe("plangate check", () => {
  let cwd: string;
  beforeAll(() => {
    cwd = mkdtempSync(join(tmpdir(), "plangate-check-signed-"));
    mkdirSync(join(cwd, "policies"));
    writeFileSync(
      join(cwd, "policies/signed.yaml"),
      "version: 1\npolicy: signed\nenforcement: deny\nminTrust: signed\nrules:\n  index-usage: { observedFor: 30d, nodes: [orders-replica-1] }\n",
    );
    writeFileSync(join(cwd, "first.pem"), first.publicPem);
    writeFileSync(
      join(cwd, "plangate.yaml"),
      "evidence:\n  keys:\n    - { kid: first, algorithm: ES256, publicKeyFile: first.pem }\n",
    );
    writeFileSync(join(cwd, "drop.sql"), "DROP INDEX CONCURRENTLY idx_orders_user_id_ca;\n");
  });
  afterAll(() => rmSync(cwd, { recursive: true }));

  const unused = () => {
    const copy = bundle();
    editJson(copy, "indexUsage.rows.0.scans", 0);
    return copy;
  };

  it.each<[string, object, number, string[], string[]]>([
    ["signed", signed(unused(), first), 0, ["orders-replica-1 signed"], []],
    [
      "asserted",
      unused(),
      2,
      ["orders-replica-1 asserted"],
      ["The bundle of orders-replica-1 is asserted; the policy demands signed evidence."],
    ],
    [
      "signed with 47 million scans, then changed to none",
      changed(signed(bundle(), first)),
      2,
      [],
      ["The evidence bundle of orders-replica-1 does not count: its content is not what the key first has signed."],
    ],
  ])("minTrust: signed with a bundle that is %s", async (_name, evidence, code, bundles, warnings) => {
    writeFileSync(join(cwd, "evidence.json"), JSON.stringify(evidence));
    const result = await cli(
      [
        "check",
        "drop.sql",
        "--service",
        "orders",
        "--environment",
        "production",
        "--evidence",
        "evidence.json",
        "--at",
        wednesdayNoon,
        "--format",
        "json",
      ],
      { cwd },
    );
    const decision = JSON.parse(result.stdout);
    expect([result.code, used(decision), decision.warnings]).toEqual([code, bundles, warnings]);
  });
});
