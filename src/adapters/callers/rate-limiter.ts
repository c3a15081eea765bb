import type { RateLimit } from "./caller-config.ts";

export interface RateLimiter {
  /** 0: go on; otherwise the milliseconds after which to try again. */
  take(at: Date): number;
}

/** Token bucket: `count` requests at once, then as many as come in evenly. Counts for this gate alone. */
export function rateLimiter({ count, perMs }: RateLimit): RateLimiter {
  let left = count;
  let last: number | null = null;
  return {
    take(at) {
      const now = at.getTime();
      // A clock that is set back gives nothing.
      const elapsed = Math.max(0, now - (last ?? now));
      left = Math.min(count, left + (elapsed * count) / perMs);
      last = now;
      if (left < 1) return Math.ceil(((1 - left) * perMs) / count);
      left -= 1;
      return 0;
    },
  };
}
