import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { PlangateError } from "../../src/core/errors.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { readJson } from "../support/decide.ts";
import { ask, signedPass } from "./world.ts";

/** What somebody with `edit` rights in a namespace can write into an object, and what must not depend on it. */

beforeAll(() => loadGrammar());

interface Review {
  request: Record<string, unknown> & {
    object: KubernetesObject;
    oldObject: KubernetesObject | null;
    userInfo: { username: string; groups: string[] };
  };
}
type KubernetesObject = Record<string, unknown> & { metadata: Record<string, unknown> };

const reviewOf = (name: string) => readJson(join(__dirname, "reviews", name, "review.json")) as Review;

const word = fc.stringMatching(/^[a-z]{1,12}$/);
const key = fc.oneof(
  fc.constantFrom(
    "plangate.dev/exempt",
    "plangate.dev/enforcement",
    "plangate.dev/environment",
    "plangate.dev/commit",
    "plangate.dev/migrations",
    "plangate.dev/Pass",
    "app.kubernetes.io/name",
    "app.kubernetes.io/managed-by",
    "kubernetes.io/config.mirror",
    "cronjob.kubernetes.io/instantiate",
    "batch.kubernetes.io/cronjob-scheduled-timestamp",
  ),
  fc.tuple(word, word).map(([prefix, name]) => `${prefix}.example/${name}`),
);
const value = fc.oneof(fc.constantFrom("true", "dryrun", "kube-system", "system:masters", "*", ""), fc.string());
const marks = fc.dictionary(key, value, { maxKeys: 6 });
const expired = signedPass({ from: "2026-03-10T11:30:00Z", until: "2026-03-10T12:30:00Z" });
const forged = signedPass({ signedBy: "stranger" });
const pass = fc.option(
  fc.constantFrom(
    expired,
    forged,
    signedPass({ token: "override" }),
    signedPass({ sub: "billing" }),
    "eyJhbGciOiJub25lIn0.e30.",
  ),
  { nil: undefined },
);
const owners = fc.array(
  fc.record({
    apiVersion: fc.constantFrom("batch/v1", "apps/v1"),
    kind: fc.constantFrom("CronJob", "Job", "Deployment", "Node"),
    name: word,
    uid: fc.uuid(),
    controller: fc.boolean(),
  }),
  { maxLength: 3 },
);
/** Anybody but the controllers: the API server vouches for the name. */
const user = fc.oneof(
  fc.constantFrom(
    "system:serviceaccount:kube-system:job-controller2",
    "system:serviceaccount:orders:job-controller",
    "system:serviceaccount:kube-system:default",
    "System:kube-controller-manager",
    "system:kube-controller-manager ",
    "system:kube-scheduler",
    "system:node:worker-1",
    "system:admin",
    "kubernetes-admin",
    "",
  ),
  fc.string().map((text) => `oidc:${text}`),
);
const groups = fc.subarray([
  "system:masters",
  "system:serviceaccounts:kube-system",
  "system:serviceaccounts",
  "system:authenticated",
]);
/** No names that Kubernetes knows: those that it knows have types that the API server checks. */
const unknownFields = fc.dictionary(
  word.map((name) => `x-${name}`),
  fc.jsonValue({ maxDepth: 3 }),
  { maxKeys: 4 },
);

/** The same document with the keys of each object in another order. */
function reordered(document: unknown, random: () => number): unknown {
  if (Array.isArray(document)) return document.map((element) => reordered(element, random));
  if (typeof document !== "object" || document === null) return document;
  const entries = Object.entries(document).map(([name, part]) => [random(), name, reordered(part, random)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => a - b).map(([, name, part]) => [name, part]));
}

const deniedJobs = [
  "job-without-pass",
  "job-generate-name",
  "job-suspended",
  "job-from-cronjob",
  "job-pretends-owner",
  "cronjob-without-pass",
  "cronjob-image-changed",
  "cronjob-unsuspended",
  "cronjob-env-changed",
  "job-parallelism-0-to-1",
];

test("no label, annotation, owner, user name, unknown field or order of keys makes the gate let a denied Job in", async () => {
  const mutation = fc.record({ marks, labels: marks, pass, owners, user, groups, unknownFields, seed: fc.nat() });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...deniedJobs), mutation, async (name, { seed, ...change }) => {
      const review = reviewOf(name);
      const { request } = review;
      const { object } = request;
      const annotations = { ...change.marks, ...(change.pass !== undefined && { "plangate.dev/pass": change.pass }) };
      Object.assign(object.metadata, { ownerReferences: change.owners });
      object.metadata.annotations = { ...Object(object.metadata.annotations), ...annotations };
      object.metadata.labels = { ...Object(object.metadata.labels), ...change.labels };
      request.userInfo = { ...request.userInfo, username: change.user, groups: change.groups };
      for (const part of [review, request, object, Object(object.spec), object.metadata])
        Object.assign(part, change.unknownFields);
      const { answer } = await ask({ review: reordered(review, generator(seed)), policies: "weekdays" });
      expect(answer.response).toMatchObject({ allowed: false, uid: request.uid });
    }),
    { numRuns: 400 },
  );
});

/** Reviews of subresources that start nothing. */
const harmless = readdirSync(join(__dirname, "reviews")).filter((name) => {
  const { outcome } = readJson(join(__dirname, "reviews", name, "answer.json")) as { outcome?: string };
  return outcome === "not-gated" && hasReview(name) && "subResource" in reviewOf(name).request;
});

test("scaling, status, binding and eviction are let through, whatever is in them", async () => {
  expect(harmless.length).toBeGreaterThan(10);
  const documents = fc.record({
    object: fc.option(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))),
    oldObject: fc.option(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))),
  });
  const mutation = fc.record({ marks, owners, user, groups, unknownFields, kept: fc.boolean(), documents });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...harmless), mutation, async (name, change) => {
      const review = reviewOf(name);
      const { request } = review;
      const metadata = { ...request.object.metadata, labels: change.marks, ownerReferences: change.owners };
      if (change.kept) request.object.metadata = metadata;
      else Object.assign(request, change.documents);
      request.userInfo = { ...request.userInfo, username: change.user, groups: change.groups };
      Object.assign(request, change.unknownFields);
      const { answer, recorded } = await ask({
        review,
        policies: "frozen",
        brokenSince: "2026-01-01T00:00:00Z",
        spool: "full",
      });
      expect(answer.response).toMatchObject({ allowed: true, uid: request.uid });
      expect(recorded).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test("labels and annotations of what runs are let through, in a freeze", async () => {
  const running = ["deployment-labels-changed", "cronjob-labels-changed", "job-labels-changed", "pod-labels-changed"];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...running), marks, marks, user, async (name, labels, annotations, username) => {
      const review = reviewOf(name);
      Object.assign(review.request.object.metadata, { labels, annotations });
      review.request.userInfo.username = username;
      const { answer } = await ask({ review, policies: "frozen" });
      expect(answer.response.allowed).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("whatever is sent, it is answered or refused with the documented error", async () => {
  const skeletons = [
    "job-without-pass",
    "cronjob-unsuspended",
    "deployment-image-changed",
    "rollout-workload-ref-scaled",
  ].map(reviewOf);
  const place = fc
    .constantFrom(...skeletons)
    .chain((skeleton) => fc.tuple(fc.constant(skeleton), fc.constantFrom(...pathsIn(skeleton))));
  const anything = fc.oneof(
    fc.jsonValue(),
    // Known keys with anything in them.
    fc.tuple(place, fc.jsonValue({ maxDepth: 3 })).map(([[skeleton, path], part]) => withPart(skeleton, path, part)),
    fc
      .array(fc.tuple(place, fc.jsonValue({ maxDepth: 1 })), { minLength: 2, maxLength: 5 })
      .map((changes) =>
        changes.reduce<unknown>((review, [[, path], part]) => withPart(review, path, part), skeletons[0]),
      ),
  );
  await fc.assert(
    fc.asyncProperty(anything, async (review) => {
      try {
        const { answer } = await ask({ review });
        expect(answer).toMatchObject({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" });
        expect(answer.response.allowed ? undefined : answer.response.status?.code).toBe(
          answer.response.allowed ? undefined : 403,
        );
        JSON.parse(JSON.stringify(answer));
      } catch (error) {
        if (!(error instanceof PlangateError)) throw error;
        expect(error.code).toBe("bad-request");
      }
    }),
    { numRuns: 2_000 },
  );
});

function hasReview(name: string): boolean {
  return readdirSync(join(__dirname, "reviews", name)).includes("review.json");
}

/** Numbers from 0 to 1 (mulberry32), the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Path = readonly string[];

function pathsIn(document: unknown): Path[] {
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([name, part]) => [[name], ...pathsIn(part).map((rest) => [name, ...rest])]);
}

/** A copy with another part at the path; unchanged where the path is gone. */
function withPart(document: unknown, [name, ...rest]: Path, part: unknown): unknown {
  if (name === undefined) return part;
  if (typeof document !== "object" || document === null) return document;
  const copy: unknown = Array.isArray(document) ? [...document] : { ...document };
  Reflect.set(Object(copy), name, withPart(Reflect.get(document, name), rest, part));
  return copy;
}
