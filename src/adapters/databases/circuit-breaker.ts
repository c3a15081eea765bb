/**
 * Keeps a server that failed from being asked again and again: it is left alone for 5 s, then for twice as long after each failure
 * in a row, at most 5 min. What is asked after that decides whether it is well.
 */
export interface CircuitBreaker {
  /** When it may be asked again; null: now. */
  pausedUntil(now: Date): Date | null;
  succeeded(): void;
  failed(problem: string, now: Date): void;
  /** The last failure; null: none since it last succeeded. */
  failure(): Failure | null;
}

export interface Failure {
  problem: string;
  /** Failures in a row. */
  count: number;
  retryAt: Date;
}

const firstPauseMs = 5_000;
const longestPauseMs = 300_000;

export function newCircuitBreaker(): CircuitBreaker {
  let failure: Failure | null = null;
  return {
    pausedUntil(now) {
      if (failure === null) return null;
      const rest = failure.retryAt.getTime() - now.getTime();
      // Longer than it ever pauses: the clock was set back.
      return rest <= 0 || rest > longestPauseMs ? null : failure.retryAt;
    },
    succeeded() {
      failure = null;
    },
    failed(problem, now) {
      const count = (failure?.count ?? 0) + 1;
      const pause = Math.min(firstPauseMs * 2 ** (count - 1), longestPauseMs);
      failure = { problem, count, retryAt: new Date(now.getTime() + pause) };
    },
    failure: () => failure,
  };
}
