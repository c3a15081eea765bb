import { dayMs } from "./civil.ts";
import { expandPolicy, horizonMs } from "./expansion.ts";
import type { CalendarPolicy, ChangeWindow } from "./types.ts";

/** A function of policies, an instant and a duration, as calendarState is one. */
export interface Looked<State> {
  state: State;
  /** It stays as it is until a window's edge comes nearer than now; false: it tells the time until something. */
  steady: boolean;
}

interface Held<State> {
  policies: readonly CalendarPolicy[];
  durationMs: number;
  /** Milliseconds since 1970; `until` exclusive. */
  from: number;
  until: number;
  state: State;
}

const mostHeld = 32;

/**
 * Between two edges of windows a state does not change, and a gate asks for it with every request. So what `look` found is given
 * again for the same windows (the very objects, which never change) until the next instant at which it may be another one.
 */
export function whileSteady<State>(
  look: (policies: readonly CalendarPolicy[], now: number, durationMs: number) => Looked<State>,
): (policies: readonly CalendarPolicy[], now: number, durationMs: number) => State {
  const byFirst = new WeakMap<ChangeWindow, Held<State>[]>();
  return (policies, now, durationMs) => {
    const first = policies[0]?.changeWindow;
    const known = first === undefined ? [] : (byFirst.get(first) ?? []);
    const found = known.find(
      (held) =>
        held.from <= now && now < held.until && held.durationMs === durationMs && areSame(held.policies, policies),
    );
    if (found !== undefined) return found.state;
    const { state, steady } = look(policies, now, durationMs);
    if (first !== undefined && steady) {
      const held = {
        policies: [...policies],
        durationMs,
        from: now,
        until: nextCrossing(policies, now, durationMs),
        state,
      };
      byFirst.set(first, [held, ...known.slice(0, mostHeld - 1)]);
    }
    return state;
  };
}

function areSame(some: readonly CalendarPolicy[], others: readonly CalendarPolicy[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ policy, changeWindow }, index) => {
      const other = others[index];
      return other?.changeWindow === changeWindow && other.policy === policy;
    })
  );
}

/**
 * All that a state compares is the edges of windows with now, with the deploy's end and with how far it looks; it cannot change before one
 * of these comes to an edge.
 */
function nextCrossing(policies: readonly CalendarPolicy[], now: number, durationMs: number): number {
  const needed = Math.max(1, durationMs);
  const reach = horizonMs + Math.min(durationMs, horizonMs);
  const looksAt = [0, durationMs, needed, -horizonMs, horizonMs, reach, reach - needed];
  let next = now + dayMs;
  for (const policy of policies) {
    const { allow, freeze } = expandPolicy(policy, { start: now - horizonMs, end: now + reach + 2 * dayMs });
    for (const { start, end } of [...allow, ...freeze]) {
      for (const edge of [start, end]) {
        for (const offset of looksAt) if (edge - offset >= now) next = Math.min(next, edge - offset);
      }
    }
  }
  return next;
}
