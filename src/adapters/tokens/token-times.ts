/** How much the clock of whoever signs may be ahead of the gate's. `exp` has no tolerance. */
export const tokenClockToleranceMs = 60_000;

/** Why the token does not count at this moment, as a clause; null: it does. */
export function timeProblem({ iat, nbf, exp }: { iat: number; nbf: number; exp: number }, at: Date): string | null {
  const latest = (at.getTime() + tokenClockToleranceMs) / 1000;
  if (iat > latest) return `it was signed in the future, at ${instantOf(iat)}`;
  if (nbf > latest) return `it counts only from ${instantOf(nbf)}`;
  if (exp <= at.getTime() / 1000) return `it ended at ${instantOf(exp)}`;
  return null;
}

function instantOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
