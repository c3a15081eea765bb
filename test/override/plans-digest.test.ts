import { parseEvidence } from "../../src/core/evidence/bundle.ts";
import { plansDigest } from "../../src/core/evidence/plans-digest.ts";

const plan = (query: string, changes: object = {}) => ({
  query,
  phase: "before",
  method: "explain",
  plan: "Result",
  ...changes,
});
const bundle = (plans: object[], changes: object = {}) => ({
  version: 1,
  capturedAt: "2026-03-16T14:00:00Z",
  server: { name: "orders-replica-1", role: "replica", settings: { work_mem: "4MB" } },
  plans,
  ...changes,
});
const digest = (...bundles: object[]) => plansDigest(parseEvidence(bundles, "evidence", "asserted"));

const one = plan("SELECT 1");
const two = plan("SELECT 2");

it.each([
  ["order", digest(bundle([two, one]))],
  ["several bundles", digest(bundle([one]), bundle([two]))],
  ["a plan that comes twice", digest(bundle([one, two]), bundle([two]))],
  ["a bundle without plans", digest(bundle([one, two]), bundle([], { plans: undefined }))],
  [
    "what a plan says that its bundle says too",
    digest(bundle([{ ...one, capturedAt: "2026-03-16T10:00:00-04:00" }, two])),
  ],
])("%s makes no difference", (_name, other) => expect(other).toBe(digest(bundle([one, two]))));

it.each([
  ["another plan", digest(bundle([one, { ...two, plan: "Seq Scan" }]))],
  ["one plan more", digest(bundle([one, two, plan("SELECT 3")]))],
  ["one plan fewer", digest(bundle([one]))],
  ["none", digest()],
  ["the other phase", digest(bundle([one, { ...two, phase: "after" }]))],
  ["another server", digest(bundle([one, { ...two, server: { name: "other", role: "replica" } }]))],
  ["captured again", digest(bundle([one, two], { capturedAt: "2026-03-16T14:00:01Z" }))],
  ["another setting", digest(bundle([one, { ...two, settings: { work_mem: "8MB" } }]))],
  ["other parameters", digest(bundle([one, { ...two, parameters: [1] }]))],
])("%s is another set of plans", (_name, other) => expect(other).not.toBe(digest(bundle([one, two]))));
