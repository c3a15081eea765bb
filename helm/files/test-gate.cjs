// `helm test`: is the gate ready, and does the admission check answer as the API server demands?
const { randomUUID } = require("node:crypto");
const https = require("node:https");

const { API_URL, ADMISSION_URL, ADMISSION_CA, ADMISSION_SERVER_NAME, ENVIRONMENTS = "[]" } = process.env;

function review(environment) {
  const uid = randomUUID();
  const container = { name: "test", image: `registry.example.com/plangate-test@sha256:${"0".repeat(64)}` };
  const metadata = { name: "plangate-helm-test", namespace: "plangate-helm-test" };
  const spec = { template: { spec: { restartPolicy: "Never", containers: [container] } } };
  const request = {
    uid,
    kind: { group: "batch", version: "v1", kind: "Job" },
    resource: { group: "batch", version: "v1", resource: "jobs" },
    requestKind: { group: "batch", version: "v1", kind: "Job" },
    requestResource: { group: "batch", version: "v1", resource: "jobs" },
    ...metadata,
    operation: "CREATE",
    userInfo: { username: "plangate-helm-test", groups: ["system:authenticated"] },
    object: { apiVersion: "batch/v1", kind: "Job", metadata, spec },
    oldObject: null,
    dryRun: true,
    options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", dryRun: ["All"] },
  };
  return {
    environment,
    uid,
    body: JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request }),
  };
}

function ask({ environment, body }) {
  return new Promise((done, fail) => {
    const options = {
      method: "POST",
      ca: ADMISSION_CA,
      servername: ADMISSION_SERVER_NAME ?? new URL(ADMISSION_URL).hostname,
      timeout: 10_000,
      headers: { "content-type": "application/json" },
    };
    const request = https.request(`${ADMISSION_URL}/admission/${environment}?timeout=10s`, options, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => done({ status: answer.statusCode, text: Buffer.concat(parts).toString("utf8") }));
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 10 s")));
    request.on("error", fail);
    request.end(body);
  });
}

async function testEnvironment({ name, enforcement = "deny" }) {
  const sent = review(name);
  const { status, text } = await ask(sent);
  if (status !== 200) throw new Error(`${name}: status ${status} in place of 200: ${text}`);
  const { apiVersion, kind, response } = JSON.parse(text);
  if (apiVersion !== "admission.k8s.io/v1" || kind !== "AdmissionReview")
    throw new Error(`${name}: not an AdmissionReview: ${text}`);
  if (response?.uid !== sent.uid) throw new Error(`${name}: the answer is to another review: ${text}`);
  if (typeof response.allowed !== "boolean") throw new Error(`${name}: the answer says neither yes nor no: ${text}`);
  if (enforcement !== "deny" && !response.allowed)
    throw new Error(`${name}: denied, although it only has ${enforcement}: ${text}`);
  console.log(
    `${name} (${enforcement}): a Job without a pass is ${response.allowed ? "let through" : "denied"}. ${response.status?.message ?? ""}`,
  );
}

async function main() {
  const ready = await fetch(`${API_URL}/readyz`, { signal: AbortSignal.timeout(10_000) });
  if (ready.status !== 200) throw new Error(`The gate is not ready: ${ready.status} ${await ready.text()}`);
  console.log("The gate is ready.");
  if (ADMISSION_URL === undefined)
    return console.log(
      "The admission check is not asked: it answers clients with a certificate only, or is switched off.",
    );
  for (const environment of JSON.parse(ENVIRONMENTS)) await testEnvironment(environment);
}

main().catch((error) => {
  console.error(error.message, error.cause ?? "");
  process.exit(1);
});
