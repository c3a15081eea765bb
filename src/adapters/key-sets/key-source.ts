import type { Clock } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import { type PublishedKey, readKeySet } from "./key-set.ts";

/** Keys that are older are read again, so that one that was taken back stops to count. */
const freshMs = 10 * 60_000;
/** While they cannot be read, keys count that are at most this old. */
const usableMs = 60 * 60_000;
/** Unknown key ids lead to one more reading in this time, however many there are. */
const pauseMs = 30_000;
const retryMs = 5_000;

/** `keys-unavailable`: keys by URL cannot be had, so that nobody can say what they have signed. */
export class KeysUnavailable extends PlangateError {
  constructor(cause: unknown) {
    super("keys-unavailable", "the keys cannot be read", { cause });
  }
}

/** A JWK Set that somebody publishes. */
export interface KeySource {
  /** null: there is no such key. Throws KeysUnavailable where that cannot be found out. */
  keyOf(kid: string): Promise<PublishedKey | null>;
}

/** `read` gives the JSON of the set. It is first read when a key is needed, and never twice at once. */
export function openKeySource(read: () => Promise<unknown>, clock: Clock): KeySource {
  let keys: ReadonlyMap<string, PublishedKey> = new Map();
  let readAt: number | null = null;
  let triedAt: number | null = null;
  let failure: unknown = null;
  let running: Promise<void> | null = null;

  const since = (moment: number | null) =>
    moment === null ? Number.POSITIVE_INFINITY : Math.abs(clock.now().getTime() - moment);

  const readOnce = async () => {
    triedAt = clock.now().getTime();
    try {
      keys = readKeySet(await read());
      readAt = clock.now().getTime();
      failure = null;
    } catch (error) {
      failure = error;
    }
  };
  const refresh = () => {
    running ??= readOnce().finally(() => {
      running = null;
    });
    return running;
  };
  const mayTry = () => running !== null || since(triedAt) >= (failure === null ? pauseMs : retryMs);

  return {
    async keyOf(kid) {
      if ((since(readAt) >= freshMs || !keys.has(kid)) && mayTry()) {
        const isDown = failure !== null;
        const reading = refresh();
        // While nobody answers, those whose keys are known do not wait for each attempt.
        if (!isDown || !keys.has(kid) || since(readAt) >= usableMs) await reading;
      }
      if (since(readAt) >= usableMs) throw new KeysUnavailable(failure);
      return keys.get(kid) ?? null;
    },
  };
}
