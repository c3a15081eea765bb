import type { ChangeWindow } from "../calendar/types.ts";
import type { Trust } from "../evidence/bundle.ts";
import type { ConfiguredRule } from "../rules/rule.ts";
import type { SourceLocation } from "../values.ts";

export const enforcements = ["deny", "warn", "dryrun"] as const;
export type Enforcement = (typeof enforcements)[number];

/** `deploy`: a request without migrations, or whose migrations change nothing. */
export const changeKinds = ["schema", "index-drop", "index-create", "data", "deploy", "any"] as const;
export type ChangeKind = (typeof changeKinds)[number];

export interface RuleInstance {
  rule: ConfiguredRule;
  enforcement: Enforcement;
  /** Where the policy file lists it. */
  location: SourceLocation;
}

/** One policy file, parsed. */
export interface Policy {
  /** Unique in its set. */
  id: string;
  description: string | null;
  location: SourceLocation;
  appliesTo: {
    /** Globs; null: all. */
    environments: readonly string[] | null;
    services: readonly string[] | null;
    changes: readonly ChangeKind[];
  };
  enforcement: Enforcement;
  minTrust: Trust;
  changeWindow: ChangeWindow | null;
  /** In the order of the file; `change-window` and `freeze` are there whenever `changeWindow` is, `opaque-sql` always. */
  rules: readonly RuleInstance[];
}

export interface PolicySet {
  policies: readonly Policy[];
  /** `sha256:` over the names and bytes of every policy and calendar file. */
  digest: string;
  /** Things that load but deserve a look: a calendar that runs out, a policy that can never match. */
  warnings: readonly { message: string; location: SourceLocation }[];
}
