/** A user whose objects of these kinds are made on behalf of one that was admitted. */
export interface Controller {
  user: string;
  /** Kinds ("ReplicaSet"); null: all. */
  kinds: readonly string[] | null;
}

/** The controllers of kube-controller-manager, each with what it makes. With or without `--use-service-account-credentials`. */
const ownControllers: ReadonlyMap<string, readonly string[] | null> = new Map([
  ["system:kube-controller-manager", null],
  ["system:serviceaccount:kube-system:deployment-controller", ["Deployment", "ReplicaSet"]],
  ["system:serviceaccount:kube-system:replicaset-controller", ["Pod"]],
  ["system:serviceaccount:kube-system:replication-controller", ["Pod"]],
  ["system:serviceaccount:kube-system:statefulset-controller", ["Pod"]],
  ["system:serviceaccount:kube-system:daemon-set-controller", ["Pod"]],
  ["system:serviceaccount:kube-system:job-controller", ["Job", "Pod"]],
  ["system:serviceaccount:kube-system:cronjob-controller", ["CronJob", "Job"]],
]);

/**
 * Is the object made by a controller, for one that was admitted? The API server vouches for the user; `ownerReferences` are what whoever
 * sends the object writes into it, and prove nothing.
 */
export function isControllerMade(
  { user, groups }: { user: string; groups: readonly string[] },
  kind: string,
  configured: readonly Controller[],
): boolean {
  const own = ownControllers.get(user);
  if (own !== undefined) return own === null || own.includes(kind);
  // The kubelet shows the static pods of its node; the API server lets it make no others.
  if (kind === "Pod" && user.startsWith("system:node:") && groups.includes("system:nodes")) return true;
  return configured.some((one) => one.user === user && (one.kinds === null || one.kinds.includes(kind)));
}
