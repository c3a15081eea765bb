import { z } from "zod";
import type { Approval } from "../approvals.ts";
import type { CalendarPolicy } from "../calendar/types.ts";
import type { EvidenceView } from "../evidence/view.ts";
import type { DeployRequest } from "../request.ts";
import type { MigrationAnalysis } from "../sql/change.ts";
import type { SourceLocation } from "../values.ts";

export const outcomes = ["pass", "fail", "inconclusive"] as const;
export type Outcome = (typeof outcomes)[number];

/** One rule's result on one subject, before the policy's enforcement is put to it. */
export interface RuleFinding {
  outcome: Outcome;
  /** The object: "idx_orders_user_id_ca", "orders/production". */
  subject: string;
  /** What is blocked, on which object, why. One or two sentences. */
  message: string;
  /** What the reader does next; begins with a verb; null for a pass. */
  help: string | null;
  location: SourceLocation | null;
  /** JSON values for machines. */
  details: Record<string, unknown>;
}

/** All that a rule may look at. Everything was gathered before; nothing here reads a clock, a file or a network. */
export interface RuleContext {
  request: DeployRequest;
  migrationsDigest: string;
  analysis: MigrationAnalysis;
  /** Bundles of at least the policy's `minTrust`. */
  evidence: EvidenceView;
  approvals: readonly Approval[];
  /** The policy that lists the rule, as far as its change window goes; null: it has none. */
  changeWindow: CalendarPolicy | null;
  /** Every matching policy that shapes the calendar (enforcement `deny`), for "when could it go out". */
  calendar: readonly CalendarPolicy[];
  /** The larger of the request's and the policies' expected duration. */
  durationMs: number;
  /** `action: rollback` to a commit that was approved before, without migrations. */
  rollbackToApproved: boolean;
  at: Date;
}

export interface RuleDefinition<Schema extends z.ZodType> {
  /** Kebab-case; also the file's name. */
  id: string;
  summary: string;
  /** Why a team wants it, one short paragraph of Markdown for the reference. */
  rationale: string;
  parameters: Schema;
  /** At least one finding; a pass says what was checked. */
  evaluate(context: RuleContext, parameters: z.output<Schema>): readonly RuleFinding[];
}

/** A rule with its parameters bound. */
export interface ConfiguredRule {
  id: string;
  /** How old evidence may be, and how long it must cover, in ms, where the rule has parameters of these names. */
  times: { maxAge?: number | undefined; observedFor?: number | undefined };
  evaluate(context: RuleContext): readonly RuleFinding[];
}

const timesSchema = z.object({ maxAge: z.number().optional(), observedFor: z.number().optional() }).catch({});

/** A rule of any parameters, as the registry holds it. */
export interface Rule {
  id: string;
  summary: string;
  rationale: string;
  parameters: z.ZodType;
  /** `raw` is the policy's value for the rule, without `enforcement`. */
  configure(raw: unknown): { ok: true; rule: ConfiguredRule } | { ok: false; issues: readonly z.core.$ZodIssue[] };
}

export function defineRule<Schema extends z.ZodType>(definition: RuleDefinition<Schema>): Rule {
  return {
    id: definition.id,
    summary: definition.summary,
    rationale: definition.rationale,
    parameters: definition.parameters,
    configure(raw) {
      const parsed = definition.parameters.safeParse(raw);
      if (!parsed.success) return { ok: false, issues: parsed.error.issues };
      return {
        ok: true,
        rule: {
          id: definition.id,
          times: timesSchema.parse(parsed.data),
          evaluate: (context) => definition.evaluate(context, parsed.data),
        },
      };
    },
  };
}
