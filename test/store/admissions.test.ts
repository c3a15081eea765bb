import { openStore, type Store } from "../../src/adapters/store/store.ts";
import type { AdmissionRecord } from "../../src/app/ports.ts";
import { sampleAdmission } from "../admission-spool/samples.ts";
import { embeddedDatabase, realDatabase, type TestDatabase } from "./databases.ts";
import { clockAt, noon } from "./samples.ts";

describe.each([
  { kind: "PostgreSQL 18", start: realDatabase },
  { kind: "the embedded Postgres", start: embeddedDatabase },
])("admissions on $kind", ({ start }) => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    database = await start();
    store = await openStore({ ...database.target, clock: clockAt(noon), evidenceRetentionMs: null });
  });
  afterAll(async () => {
    await store.close();
    await database.cleanup();
  });

  const entries = () => database.query("SELECT sequence, kind FROM plangate.audit_entries ORDER BY sequence");

  it("are written once, however often they are given, alone or together with new ones", async () => {
    const [first, second, third] = [sampleAdmission(), sampleAdmission(), sampleAdmission()];
    expect(await store.admissions.writeAdmissions([first, second, first])).toBe(2);
    expect(await store.admissions.writeAdmissions([second, third])).toBe(1);
    expect(await store.admissions.writeAdmissions([first, second, third])).toBe(0);
    expect(await store.admissions.writeAdmissions([])).toBe(0);
    expect(await entries()).toHaveLength(3);
  });

  const template = (name: string) => {
    const { environment, namespace, kind } = sampleAdmission();
    return { environment, namespace, kind, name, templateDigest: `sha256:${"d".repeat(64)}` };
  };

  it.each<[AdmissionRecord["basis"], boolean, boolean]>([
    ["pass", true, true],
    ["policies", true, true],
    ["rollback", true, true],
    ["exempt", true, false],
    ["unreadable", true, false],
    ["pass", false, false],
    ["policies", false, false],
  ])("on the basis %s, allowed: %s, are something to roll back to: %s", async (basis, allowed, expected) => {
    const name = `${basis}-${allowed}`;
    await store.admissions.writeAdmissions([sampleAdmission({ name, basis, allowed })]);
    expect(await store.admissions.wasAdmitted(template(name))).toBe(expected);
  });

  it("are something to roll back to for the same workload, environment and template alone", async () => {
    await store.admissions.writeAdmissions([
      sampleAdmission({ name: "api" }),
      sampleAdmission({ name: "no-template", templateDigest: null }),
    ]);
    const asked = [
      template("api"),
      template("other"),
      { ...template("api"), environment: "staging" },
      { ...template("api"), namespace: "billing" },
      { ...template("api"), kind: "Deployment" },
      { ...template("api"), templateDigest: `sha256:${"e".repeat(64)}` },
      template("no-template"),
    ];
    const answers = await Promise.all(asked.map((one) => store.admissions.wasAdmitted(one)));
    expect(answers).toEqual([true, false, false, false, false, false, false]);
  });
});
