/** How the gate looks at a kind of object. */
export interface WorkloadKind {
  /** As people write it. */
  name: string;
  /** Where its pod template is; empty: the object is a pod itself. */
  template: readonly string[];
  /** A migration hides in any Job, so that only a pass admits it; the others fall under the policies for deploys. */
  needsPass: boolean;
}

const kind = (name: string, template: readonly string[], needsPass = false): WorkloadKind => ({
  name,
  template,
  needsPass,
});
const ofSpec = ["spec", "template"];

const deployment = kind("Deployment", ofSpec);
const daemonSet = kind("DaemonSet", ofSpec);
const replicaSet = kind("ReplicaSet", ofSpec);

/** By `group/resource`. `extensions` is where the oldest API servers have some of them. */
export const workloadKinds: ReadonlyMap<string, WorkloadKind> = new Map([
  ["batch/jobs", kind("Job", ofSpec, true)],
  ["batch/cronjobs", kind("CronJob", ["spec", "jobTemplate", "spec", "template"], true)],
  ["apps/deployments", deployment],
  ["extensions/deployments", deployment],
  ["apps/statefulsets", kind("StatefulSet", ofSpec)],
  ["apps/daemonsets", daemonSet],
  ["extensions/daemonsets", daemonSet],
  ["apps/replicasets", replicaSet],
  ["extensions/replicasets", replicaSet],
  ["/replicationcontrollers", kind("ReplicationController", ofSpec)],
  ["/pods", kind("Pod", [])],
  // By itself it starts nothing, but a Rollout can take its pods from one (workloadRef).
  ["/podtemplates", kind("PodTemplate", ["template"])],
  ["argoproj.io/rollouts", kind("Rollout", ofSpec)],
]);

export const workloadKindNames: readonly string[] = [
  ...new Set([...workloadKinds.values()].map(({ name }) => name)),
].sort();

/** Parts of an object that start nothing new: how many there are of it, how it fares, where it runs, and looking into it. */
export const harmlessSubResources: ReadonlySet<string> = new Set([
  "scale",
  "status",
  "binding",
  "eviction",
  "resize",
  "log",
  "exec",
  "attach",
  "portforward",
  "proxy",
  "token",
]);
