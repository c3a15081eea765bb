import type { Approval } from "../core/approvals.ts";
import type { OverrideInput, VerifiedOverride } from "../core/override.ts";
import type { DeployRequest } from "../core/request.ts";
import type { HumanTokens, TokenContext } from "./ports.ts";

export interface Caller {
  name: string;
  /** Do unsigned approvals count that this caller passes on? */
  mayVouch: boolean;
}

export interface Statements {
  approvals: Approval[];
  overrides: OverrideInput;
  /** What to tell the caller about those that do not count. */
  warnings: string[];
}

/**
 * The request's approvals and overrides that count. `used`: overrides that other decisions have used up, by jti.
 */
export function countableStatements(
  request: DeployRequest,
  caller: Pick<Caller, "name" | "mayVouch">,
  tokens: HumanTokens,
  context: TokenContext,
  used: ReadonlyMap<string, string>,
): Statements {
  const approvals = countableApprovals(request, caller, tokens, context);
  const overrides = countableOverrides(request, tokens, context, used);
  return {
    approvals: approvals.counted,
    overrides: { received: (request.overrides ?? []).length, verified: overrides.counted, quorum: tokens.quorum },
    warnings: [...approvals.warnings, ...overrides.warnings],
  };
}

/** The jtis of the overrides that hold for the request as far as their text says. */
export function overrideIds(request: DeployRequest, tokens: HumanTokens, context: TokenContext): string[] {
  return countableOverrides(request, tokens, context, new Map()).counted.map(({ jti }) => jti);
}

interface Counted<Statement> {
  counted: Statement[];
  warnings: string[];
}

function countableApprovals(
  request: DeployRequest,
  caller: Pick<Caller, "name" | "mayVouch">,
  tokens: HumanTokens,
  context: TokenContext,
): Counted<Approval> {
  const given = request.approvals ?? [];
  const result: Counted<Approval> = { counted: [], warnings: [] };
  let unsigned = 0;
  for (const [index, approval] of given.entries()) {
    if (typeof approval !== "string") {
      unsigned += 1;
      if (!caller.mayVouch) continue;
      const { by, of, at } = approval;
      result.counted.push({ by: personOf(by, request, tokens), of, at: at ?? null, verified: false });
      continue;
    }
    const verdict = tokens.verifyApproval(approval, context);
    if (verdict.problem === null) result.counted.push(verdict.approval);
    else result.warnings.push(`${nth("approval", index, given.length)} does not count: ${verdict.problem}.`);
  }
  if (unsigned > 0) {
    result.warnings.push(
      caller.mayVouch
        ? "The approvals are not signed: nothing but the caller's word says who gave them."
        : `Unsigned approvals do not count: the caller ${caller.name} may not vouch for them.`,
    );
  }
  return result;
}

/** One human under several names is one person, and the requester under another name is the requester. */
function personOf(name: string, { requestedBy }: DeployRequest, tokens: HumanTokens): string {
  const person = tokens.personOf(name);
  return requestedBy != null && tokens.personOf(requestedBy) === person ? requestedBy : person;
}

function countableOverrides(
  request: DeployRequest,
  tokens: HumanTokens,
  context: TokenContext,
  used: ReadonlyMap<string, string>,
): Counted<VerifiedOverride> {
  const given = request.overrides ?? [];
  const result: Counted<VerifiedOverride> = { counted: [], warnings: [] };
  for (const [index, token] of given.entries()) {
    const verdict = tokens.verifyOverride(token, context);
    const problem = verdict.problem ?? repeatProblem(verdict.override, result.counted, used);
    if (problem === null && verdict.override !== null) result.counted.push(verdict.override);
    else result.warnings.push(`${nth("override", index, given.length)} does not count: ${problem}.`);
  }
  return result;
}

function repeatProblem(
  { jti }: VerifiedOverride,
  counted: readonly VerifiedOverride[],
  used: ReadonlyMap<string, string>,
): string | null {
  const decision = used.get(jti);
  if (decision !== undefined) return `${jti} was used up by the decision ${decision}, and an override counts once`;
  return counted.some((other) => other.jti === jti) ? `${jti} comes with the request more than once` : null;
}

/** "The override", or "Override 2 of 3". */
function nth(noun: string, index: number, length: number): string {
  if (length === 1) return `The ${noun}`;
  return `${noun.charAt(0).toUpperCase()}${noun.slice(1)} ${index + 1} of ${length}`;
}
