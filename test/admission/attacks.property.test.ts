import { join } from "node:path";
import fc from "fast-check";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { readJson } from "../support/decide.ts";
import { editJson, gone } from "../support/edit-json.ts";
import { ask, signedPass } from "./world.ts";

/**
 * Somebody with `edit` rights patches what was let in once, in any number of steps and in a freeze: hold it, change it, let it go. The
 * object in the cluster is what the gate's answers make of it. However it goes, it must run what it ran before, and what was held stays held.
 */

beforeAll(() => loadGrammar());

type Patch = readonly (readonly [path: string, value: unknown])[];

const evil = `registry.example/dev/anything@sha256:${"e7".repeat(32)}`;
const container = { name: "evil", image: evil, resources: {} };
const injection = { "sidecar.istio.io/proxyImage": evil };
const oldPass = signedPass({ from: "2026-03-10T11:30:00Z", until: "2026-03-10T12:30:00Z" });

/** Patches of a pod template at this path. */
const templatePatches = (at: string): Patch[] => [
  [[`${at}.spec.containers.0.image`, evil]],
  [[`${at}.spec.containers.0.image`, "registry.example/orders-migrate:latest"]],
  [[`${at}.spec.containers.0.command`, ["sh", "-c", "psql"]]],
  [[`${at}.spec.containers.0.args`, ["down"]]],
  [[`${at}.spec.containers.0.env`, [{ name: "STEP", value: "drop" }]]],
  [[`${at}.spec.containers.0.envFrom`, [{ configMapRef: { name: "other" } }]]],
  [[`${at}.spec.containers.0.workingDir`, "/tmp"]],
  [[`${at}.spec.containers.0.lifecycle`, { postStart: { exec: { command: ["psql"] } } }]],
  [[`${at}.spec.containers.0.livenessProbe`, { exec: { command: ["psql"] } }]],
  [[`${at}.spec.containers.0.volumeMounts`, [{ name: "scripts", mountPath: "/app" }]]],
  [[`${at}.spec.containers.1`, container]],
  [[`${at}.spec.initContainers`, [{ ...container, restartPolicy: "Always" }]]],
  [[`${at}.spec.ephemeralContainers`, [container]]],
  [[`${at}.spec.volumes`, [{ name: "scripts", configMap: { name: "scripts" } }]]],
  [[`${at}.spec.volumes`, [{ name: "scripts", image: { reference: evil } }]]],
  [[`${at}.spec.serviceAccountName`, "admin"]],
  [[`${at}.spec.shareProcessNamespace`, true]],
  [[`${at}.metadata.annotations`, injection]],
  [[`${at}.metadata.annotations`, { "kubectl.kubernetes.io/restartedAt": "2026-03-11T12:00:00Z", ...injection }]],
];

/** What may be done to anything at any time. */
const harmlessPatches: Patch[] = [
  [["metadata.labels", { "app.kubernetes.io/name": "sandbox" }]],
  [["metadata.annotations", { "plangate.dev/pass": oldPass }]],
  [["metadata.annotations", gone]],
  [["metadata.ownerReferences", [{ apiVersion: "batch/v1", kind: "CronJob", name: "x", uid: "x", controller: true }]]],
  [["metadata.finalizers", ["example.com/x"]]],
  [["spec.replicas", 0]],
  [["spec.replicas", 9]],
];

interface Target {
  review: string;
  /** Where its pod template is. */
  template: string;
  /** Hold it back and let it go. */
  hold: Patch[];
  /** Other places that say what runs, and when. */
  also: readonly string[];
}

const targets: Target[] = [
  {
    review: "job-suspending",
    template: "spec.template",
    hold: [
      [["spec.suspend", true]],
      [["spec.suspend", false]],
      [["spec.suspend", gone]],
      [["spec.parallelism", 0]],
      [["spec.parallelism", 1]],
      [["spec.completions", 0]],
      [["spec.completions", 1]],
    ],
    also: [],
  },
  {
    review: "cronjob-suspending",
    template: "spec.jobTemplate.spec.template",
    hold: [
      [["spec.suspend", true]],
      [["spec.suspend", false]],
      [["spec.jobTemplate.spec.suspend", true]],
      [["spec.jobTemplate.spec.suspend", false]],
      [["spec.jobTemplate.spec.parallelism", 0]],
      [["spec.jobTemplate.spec.parallelism", gone]],
      [["spec.jobTemplate.spec.completions", 0]],
      [["spec.jobTemplate.spec.completions", 1]],
      [["spec.schedule", "* * * * *"]],
      [["spec.schedule", "0 0 31 2 *"]],
      [["spec.timeZone", "Asia/Tokyo"]],
      [["spec.startingDeadlineSeconds", 86_400]],
    ],
    also: ["spec.schedule", "spec.timeZone", "spec.startingDeadlineSeconds"],
  },
  {
    review: "deployment-pausing",
    template: "spec.template",
    hold: [[["spec.paused", true]], [["spec.paused", false]], [["spec.paused", gone]]],
    also: [],
  },
  {
    review: "statefulset-image-changed",
    template: "spec.template",
    hold: [[["spec.updateStrategy", { type: "OnDelete" }]], [["spec.updateStrategy.rollingUpdate.partition", 3]]],
    also: [],
  },
  {
    review: "rollout-image-changed",
    template: "spec.template",
    hold: [
      [["spec.paused", true]],
      [["spec.paused", false]],
      [["spec.workloadRef", { kind: "PodTemplate", name: "x" }]],
    ],
    also: ["spec.workloadRef"],
  },
  { review: "podtemplate-image-changed", template: "template", hold: [], also: [] },
  { review: "replicaset-image-changed", template: "spec.template", hold: [], also: [] },
];

test.each(targets)(
  "$review: no sequence of patches runs anything else",
  async ({ review: name, template, hold, also }) => {
    const base = readJson(join(__dirname, "reviews", name, "review.json")) as { request: { oldObject: object } };
    const patch = fc
      .array(fc.constantFrom(...templatePatches(template), ...hold, ...hold, ...harmlessPatches), {
        minLength: 1,
        maxLength: 3,
      })
      .map((patches) => patches.flat());
    await fc.assert(
      fc.asyncProperty(fc.array(patch, { minLength: 1, maxLength: 8 }), fc.boolean(), async (patches, startsHeld) => {
        let object = structuredClone(base.request.oldObject);
        if (startsHeld && hold[0] !== undefined) apply(object, hold[0]);
        const before = running(object, template, also);
        let wasHeld = isHeld(object);
        for (const one of patches) {
          const next = structuredClone(object);
          apply(next, one);
          const request = { ...base.request, object: next, oldObject: object };
          const { answer } = await ask({ review: { ...base, request }, policies: "frozen" });
          if (!answer.response.allowed) continue;
          expect(isHeld(next) || !wasHeld).toBe(true);
          object = next;
          wasHeld = isHeld(object);
        }
        expect(running(object, template, also)).toEqual(before);
      }),
      { numRuns: 150 },
    );
  },
);

function apply(object: object, patch: Patch): void {
  for (const [path, value] of patch) {
    try {
      editJson(object, path, value);
    } catch (error) {
      // There is nothing at the path, as in a patch that the API server refuses.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

const at = (object: object, path: string): unknown =>
  path.split(".").reduce<unknown>((part, key) => Reflect.get(Object(part), key), object);

/** What decides over what runs. */
function running(object: object, template: string, also: readonly string[]): unknown {
  const annotations = Object.entries(Object(at(object, `${template}.metadata.annotations`)));
  const marks = annotations.filter(([key]) => key !== "kubectl.kubernetes.io/restartedAt");
  return { spec: at(object, `${template}.spec`), marks, also: also.map((path) => at(object, path) ?? null) };
}

function isHeld(object: object): boolean {
  const waits = ["spec", "spec.jobTemplate.spec"].some(
    (spec) =>
      at(object, `${spec}.suspend`) === true ||
      at(object, `${spec}.parallelism`) === 0 ||
      at(object, `${spec}.completions`) === 0,
  );
  return waits || at(object, "spec.paused") === true;
}
