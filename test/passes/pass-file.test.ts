import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jwt from "jsonwebtoken";
import { parse, parseAllDocuments } from "yaml";
import { passProblems } from "../../src/core/admission/pass-agreement.ts";
import { readWorkload } from "../../src/core/admission/workload.ts";
import { workloadKinds } from "../../src/core/admission/workload-kinds.ts";
import { sha256Hex } from "../../src/core/digest.ts";
import { passClaimsSchema } from "../../src/core/pass.ts";
import { cli } from "../cli/run.ts";
import { startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";
import { helm, kubectl, outputOf } from "../support/kubernetes-tools.ts";

/** A copy of the examples, where the commands of docs/pipelines.md run. */
let folder: string;
let gate: TestGate;
beforeAll(async () => {
  gate = await startTestGate();
});
afterAll(() => gate.cleanup());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plangate-pass-file-"));
  for (const name of ["kustomize", "helm"])
    cpSync(join(__dirname, "../../examples", name), join(folder, name), { recursive: true });
  gate.setTime(wednesdayNoon);
});
afterEach(() => rmSync(folder, { recursive: true }));

const image = `registry.example.com/orders@${
  parse(readFileSync(join(__dirname, "../../examples/kustomize/production/kustomization.yaml"), "utf8")).images[0]
    .digest
}`;
const migration = "kustomize/migrations/0042_delivery_notes.sql";
const reviewed = ["--requested-by", "dev@example.com", "--approval", "dba@example.com"];
const deploy = ["--service", "orders", "--environment", "production", "--commit", "9f1c2e7", "--image", image];
const ask = (...args: string[]) =>
  cli(["request", "--url", gate.url, ...deploy, ...args], { cwd: folder, now: wednesdayNoon });
const read = (file: string) => readFileSync(join(folder, file), "utf8");

interface Manifest {
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
  spec: { jobTemplate?: Manifest; template?: Manifest };
}
const manifests = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml, { version: "1.1" }).map((document) => document.toJS());
const annotationsOf = (pass: string, commit = "9f1c2e7") => ({
  "plangate.dev/pass": pass,
  "plangate.dev/commit": commit,
  "plangate.dev/migrations": sha256Hex(read(migration)),
});
/** What the admission check finds, with the claims as they are. */
const problemsOf = (manifest: Manifest) => {
  const kind = [...workloadKinds.values()].find(({ name }) => name === manifest.kind);
  if (kind === undefined) throw new Error(`${manifest.kind} is no workload`);
  const workload = readWorkload(kind, { ...manifest });
  if (typeof workload === "string") return [workload];
  const claims = passClaimsSchema.parse(jwt.decode(workload.pass ?? ""));
  return passProblems(workload, { claims, problem: null }, "production", []).map(({ message }) => message);
};

describe("kustomize: a component that adds the pass to the service's workloads", () => {
  const asComponent = ["--pass-file", "kustomize/pass/kustomization.yaml", "--pass-format", "kustomize"];
  const build = () => kubectl(["kustomize", join(folder, "kustomize/production")]);

  it("Job, CronJob and Deployment carry it, and so do Jobs that are made from the CronJob by hand", async () => {
    expect(await ask(migration, ...reviewed, ...asComponent)).toMatchObject({ code: 0, stderr: "" });
    const objects = manifests(await outputOf(build()));
    expect(objects.map(({ kind, metadata: { name } }) => `${kind} ${name}`)).toEqual([
      "Deployment orders",
      "CronJob orders-purge",
      "Job orders-migrate",
    ]);
    const pass = objects[0]?.metadata.annotations?.["plangate.dev/pass"] ?? "";
    for (const object of objects) {
      expect(object.metadata.annotations).toEqual(annotationsOf(pass));
      expect(problemsOf(object)).toEqual([]);
    }
    expect(objects[1]?.spec.jobTemplate?.metadata.annotations).toEqual(annotationsOf(pass));
    // Else every pass would restart the pods.
    expect(objects[0]?.spec.template?.metadata.annotations).toBeUndefined();
  });

  it("other services in the same kustomization do not", async () => {
    const base = join(folder, "kustomize/base");
    const other = readFileSync(join(base, "deployment.yaml"), "utf8").replace(
      "name: orders",
      "name: payments\n  labels: { app.kubernetes.io/name: payments }",
    );
    writeFileSync(join(folder, "kustomize/production/payments.yaml"), other);
    const file = join(folder, "kustomize/production/kustomization.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("- ../base", "- ../base\n  - payments.yaml"));
    await ask(migration, ...reviewed, ...asComponent);
    const objects = manifests(await outputOf(build()));
    const annotated = objects.filter(({ metadata }) => metadata.annotations !== undefined);
    expect(annotated.map(({ metadata: { name } }) => name)).not.toContain("payments");
    expect(annotated).toHaveLength(3);
  });

  it("every kind of workload that the admission check looks at can carry it", async () => {
    await ask(...asComponent);
    const patched = parse(read("kustomize/pass/kustomization.yaml")).patches.map(
      ({ patch }: { patch: string }) => parse(patch).kind,
    );
    const kinds = new Set([...workloadKinds.values()].map(({ name }) => name));
    expect(patched.sort()).toEqual([...kinds].sort());
  });

  it("without an approval nothing is built", async () => {
    expect((await ask(migration, ...asComponent)).code).toBe(2);
    const { status, stdout } = await build();
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  });
});

describe("helm-values: for charts that take plangate.annotations", () => {
  const render = (...args: string[]) => helm(["template", "orders", join(folder, "helm/orders"), ...args]);

  it("the Job that migrates and the Deployment carry the pass", async () => {
    await ask(migration, ...reviewed, "--pass-file", "pass-values.yaml", "--pass-format", "helm-values");
    const values = ["--values", join(folder, "pass-values.yaml"), "--set", `image=${image}`];
    const objects = manifests(await outputOf(render(...values)));
    const { "plangate.dev/pass": pass } = parse(read("pass-values.yaml")).plangate.annotations;
    expect(objects.map(({ kind }) => kind)).toEqual(["Deployment", "Job"]);
    expect(objects[0]?.metadata.annotations).toEqual(annotationsOf(pass));
    expect(objects[1]?.metadata.annotations).toMatchObject({
      "helm.sh/hook": "pre-install,pre-upgrade",
      ...annotationsOf(pass),
    });
    expect(objects.map(problemsOf)).toEqual([[], []]);
  });

  it("without a pass they have none, for clusters without an admission check", async () => {
    await outputOf(helm(["lint", "--strict", join(folder, "helm/orders")]));
    const objects = manifests(await outputOf(render()));
    expect(objects[0]?.metadata.annotations).toBeUndefined();
  });
});

describe("other forms", () => {
  it("annotations: a mapping, the default", async () => {
    await ask(migration, ...reviewed, "--pass-file", "out/pass.yaml");
    const text = read("out/pass.yaml");
    const { "plangate.dev/pass": pass } = parse(text);
    expect(parse(text)).toEqual(annotationsOf(pass));
    expect(text).toMatch(/^# Written by plangate request, for one deploy\. Do not edit it, do not check it in\.\n/);
    expect(readdirSync(join(folder, "out"))).toEqual(["pass.yaml"]);
  });
  it("annotations of a deploy without migrations do not list any", async () => {
    await ask("--pass-file", "pass.yaml");
    expect(Object.keys(parse(read("pass.yaml")))).toEqual(["plangate.dev/pass", "plangate.dev/commit"]);
  });
  it("token: the pass that the decision has", async () => {
    const { stdout } = await ask("--pass-file", "pass.jwt", "--pass-format", "token", "--format", "json");
    expect(read("pass.jwt")).toBe(`${JSON.parse(stdout).pass}\n`);
  });

  // What YAML 1.1, which kubectl and helm read, takes for something else than text.
  it.each([
    "1234567",
    "0123456",
    "1e10",
    "0x1f",
    "0o17",
    "12:30:45",
    "2026-03-11",
    "yes",
    "null",
    "~",
    "# no",
    "a: b",
    "'\"\\",
    "grün",
  ])("the commit %j stays text", async (commit) => {
    await ask("--commit", commit, "--pass-file", "kustomize/pass/kustomization.yaml", "--pass-format", "kustomize");
    const [deployment] = manifests(await outputOf(kubectl(["kustomize", join(folder, "kustomize/production")])));
    expect(deployment?.metadata.annotations?.["plangate.dev/commit"]).toBe(commit);
  });
});

describe("no pass of an earlier deploy is left to be applied", () => {
  const file = ["--pass-file", "pass.yaml"];
  beforeEach(async () => {
    expect((await ask(...file)).code).toBe(0);
    expect(existsSync(join(folder, "pass.yaml"))).toBe(true);
  });
  it.each([
    ["a rejection", 2, [migration]],
    ["a request that is not valid", 1, ["--duration", "99999d"]],
    ["a request file that is missing", 1, ["--request", "missing.json"]],
    ["an option of another command", 1, ["--unmatched", "approve"]],
    ["a gate that does not answer", 1, ["--url", "http://127.0.0.1:9", "--timeout", "1s"]],
  ])("after %s", async (_name, code, args) => {
    expect((await ask(...file, ...args)).code).toBe(code);
    expect(readdirSync(folder).sort()).toEqual(["helm", "kustomize"]);
  });
  it("nor one in another form", async () => {
    await ask(...file, "--pass-format", "token");
    expect((await ask(...file, migration)).code).toBe(2);
    expect(existsSync(join(folder, "pass.yaml"))).toBe(false);
  });
});

describe("files that are not written", () => {
  it("over something else than a pass", async () => {
    const before = read("helm/orders/values.yaml");
    const { code, stdout, stderr } = await ask(
      "--pass-file",
      "helm/orders/values.yaml",
      "--pass-format",
      "helm-values",
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/values\.yaml: holds something else than a pass; name another file with --pass-file/);
    expect(read("helm/orders/values.yaml")).toBe(before);
  });
  it("but over the empty file of mktemp", async () => {
    writeFileSync(join(folder, "tmp.x"), "");
    expect((await ask("--pass-file", "tmp.x")).code).toBe(0);
    expect(read("tmp.x")).toContain("plangate.dev/pass");
  });
  it.each([
    [
      "in a directory that is a file",
      ["--pass-file", `${migration}/pass.yaml`],
      /cannot be (read|written) \(ENOTDIR\)/,
    ],
    ["that are directories", ["--pass-file", "helm"], /cannot be written \(EISDIR\)/],
    ["without a name", ["--pass-format", "token"], /--pass-format says how the file of --pass-file is written/],
    [
      "as a component under another name",
      ["--pass-file", "pass.yaml", "--pass-format", "kustomize"],
      /name its file, such as --pass-file pass\/kustomization\.yaml/,
    ],
    [
      "for a service that cannot be a label",
      ["--service", "orders/web", "--pass-file", "pass/kustomization.yaml", "--pass-format", "kustomize"],
      /"orders\/web" cannot be the value of the label app\.kubernetes\.io\/name/,
    ],
  ])("%s", async (_name, args, expected) => {
    const { code, stdout, stderr } = await ask(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(expected);
  });
  it("an earlier gate's approval, which has no pass: not to be deployed", async () => {
    const server = createServer(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${gate.url}${incoming.url}`, {
        method: "POST",
        headers,
        body: Buffer.concat(chunks),
      });
      response
        .writeHead(answer.status, headers)
        .end(JSON.stringify({ ...((await answer.json()) as object), pass: null }));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { code, stderr } = await ask("--url", url, "--pass-file", "pass.yaml");
      expect(code).toBe(1);
      expect(stderr).toContain("has approved the request and given no pass");
      expect(existsSync(join(folder, "pass.yaml"))).toBe(false);
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  });
});
