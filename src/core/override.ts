import type { Decision, Finding } from "./decision.ts";

/** An override token whose signature and claims hold for this very request. */
export interface VerifiedOverride {
  jti: string;
  /** The human who signed it, as the configuration writes the name. */
  by: string;
  kid: string;
  /** Rule ids, all of which this human may waive. */
  rules: readonly string[];
  reason: string;
  ticket: string | null;
  issuedAt: Date;
  expiresAt: Date;
}

export interface OverrideInput {
  /** Tokens that were sent with the request, those that do not count too. */
  received: number;
  verified: readonly VerifiedOverride[];
  /** How many different people must sign for a rule; absent: one. */
  quorum: ReadonlyMap<string, number>;
}

export type OverrideRecord = NonNullable<Decision["overrides"]>[number];

export interface OverrideResult {
  /** The same findings with the same outcomes; `waivedBy` is set on those that are waived. */
  findings: Finding[];
  /** `consumed`: the approval would not have come about without it. */
  overrides: OverrideRecord[];
  warnings: string[];
}

/** Does the finding stand in the way of an approval? */
export function blocks({
  outcome,
  enforcement,
  waivedBy,
}: Pick<Finding, "outcome" | "enforcement" | "waivedBy">): boolean {
  return outcome !== "pass" && enforcement === "deny" && waivedBy === null;
}

/**
 * Verified overrides × findings → waived findings. Only what blocks is waived, and what the gate itself demands (`policy: null`,
 * such as `unmatched`) never is. Where everything that blocks is waived, no more tokens are used than that takes; where something
 * remains, none is used up, and the findings show what each would waive.
 */
export function applyOverrides(findings: readonly Finding[], { verified, quorum }: OverrideInput): OverrideResult {
  const before = findings.filter(blocks);
  const opens = (tokens: readonly VerifiedOverride[]) =>
    before.every((finding) => waiverOf(finding, tokens, quorum) !== null);
  const allowed = opens(verified);
  const used = allowed ? fewest(verified, opens) : verified;
  const waived = findings.map((finding) =>
    blocks(finding) ? { ...finding, waivedBy: waiverOf(finding, used, quorum) } : finding,
  );
  const overrides = verified.map((token) => toRecord(token, allowed && used.includes(token)));
  const failing = new Set(before.map(({ ruleId }) => ruleId));
  return {
    findings: waived,
    overrides,
    warnings: [...quorumWarnings(verified, failing, quorum), ...unusedWarnings(overrides, allowed)],
  };
}

/** The jti of the first token that waives the finding; null: too few people have signed for it. */
function waiverOf(
  { policy, ruleId }: Finding,
  tokens: readonly VerifiedOverride[],
  quorum: ReadonlyMap<string, number>,
): string | null {
  if (policy === null) return null;
  const fitting = tokens.filter(({ rules }) => rules.includes(ruleId));
  return people(fitting) >= needed(ruleId, quorum) ? (fitting[0]?.jti ?? null) : null;
}

/** Takes tokens away, the last first, as long as those that remain are enough. */
function fewest(
  tokens: readonly VerifiedOverride[],
  enough: (tokens: readonly VerifiedOverride[]) => boolean,
): readonly VerifiedOverride[] {
  return tokens.reduceRight<readonly VerifiedOverride[]>((kept, candidate) => {
    const rest = kept.filter((token) => token !== candidate);
    return enough(rest) ? rest : kept;
  }, tokens);
}

function people(tokens: readonly VerifiedOverride[]): number {
  return new Set(tokens.map(({ by }) => by)).size;
}

function needed(ruleId: string, quorum: ReadonlyMap<string, number>): number {
  return Math.max(quorum.get(ruleId) ?? 1, 1);
}

function quorumWarnings(
  verified: readonly VerifiedOverride[],
  failing: ReadonlySet<string>,
  quorum: ReadonlyMap<string, number>,
): string[] {
  return [...failing].flatMap((ruleId) => {
    const fitting = verified.filter(({ rules }) => rules.includes(ruleId));
    const signed = people(fitting);
    const wanted = needed(ruleId, quorum);
    if (signed === 0 || signed >= wanted) return [];
    const who = [...new Set(fitting.map(({ by }) => by))].join(", ");
    return [
      `${ruleId} is not waived: overrides by ${wanted} different people are needed, and ${signed} ${signed === 1 ? "has" : "have"} signed (${who}).`,
    ];
  });
}

function unusedWarnings(overrides: readonly OverrideRecord[], allowed: boolean): string[] {
  return overrides.flatMap(({ jti, by, consumed }) => {
    if (consumed) return [];
    const why = allowed ? "the request is approved without it" : "the request is rejected all the same";
    return [`The override ${jti} by ${by} is not used up: ${why}.`];
  });
}

function toRecord(token: VerifiedOverride, consumed: boolean): OverrideRecord {
  const { jti, by, kid, rules, reason, ticket, issuedAt, expiresAt } = token;
  return {
    jti,
    by,
    kid,
    rules: [...rules],
    reason,
    ticket,
    issuedAt: issuedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    consumed,
  };
}
