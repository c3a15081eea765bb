import type { Enforcement } from "../policy/policy.ts";
import type { Controller } from "./controllers.ts";

/** What the configuration exempts; every list that is given must match. Globs, except for kinds. */
export interface Exemption {
  reason: string;
  environments: readonly string[] | null;
  namespaces: readonly string[] | null;
  kinds: readonly string[] | null;
  names: readonly string[] | null;
  users: readonly string[] | null;
  /** Every image of the workload must match one. */
  images: readonly string[] | null;
}

/** `admission` in plangate.yaml. */
export interface AdmissionSettings {
  /** null: every environment, with `deny`. */
  environments: ReadonlyMap<string, Enforcement> | null;
  exempt: readonly Exemption[];
  controllers: readonly Controller[];
  /** Globs of images that containers may have which others put into pods. */
  sidecars: readonly string[];
  /** May a pod template that the gate admitted before come back whenever it is needed? */
  rollbacks: "allow" | "deny";
}

/** What becomes of an environment's verdicts; of one that is not configured, too. */
export function enforcementOf({ environments }: AdmissionSettings, environment: string): Enforcement {
  return environments?.get(environment) ?? "deny";
}
