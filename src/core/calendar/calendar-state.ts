import { oncePerObject } from "../once-per-object.ts";
import {
  type CalendarBecause,
  closers,
  type ExpandedPolicy,
  expandPolicy,
  horizonMs,
  openers,
  openTogether,
} from "./expansion.ts";
import { type Interval, intervalAt, touches } from "./intervals.ts";
import { explainNever } from "./never-opens.ts";
import { whileSteady } from "./steady.ts";
import type { CalendarPolicy, ChangeWindow, FreezeWindow } from "./types.ts";
import { describeInterval, expandWindow, reasonOf } from "./windows.ts";
import { timeZone } from "./zone.ts";

export type { CalendarBecause } from "./expansion.ts";

/** Whether a deploy may start, and when. Instants further than 400 days away are null. */
export interface CalendarState {
  open: boolean;
  /** Start of the present state; null: more than 400 days ago, or always. */
  since: Date | null;
  /** The next instant at which it is really open, every policy and freeze applied; while open: when it opens again after the next close. */
  nextOpen: Date | null;
  /** End of the present opening; null while closed, and where no end is in sight. */
  nextClose: Date | null;
  durationMs: number;
  /** `[at, at + duration)` lies inside one opening; for a duration of 0: it is open at `at`. */
  fits: boolean;
  /** The last millisecond of the present opening at which a start still fits; null: does not fit now, or no end is in sight. */
  latestStart: Date | null;
  /** The first instant from `at` on at which the duration fits: `at` itself where it fits now. */
  nextFit: Date | null;
  /** Open and fitting: the windows it lies in. Otherwise what closes it, or cuts into the duration. */
  because: readonly CalendarBecause[];
  /** Why `nextFit`, or `nextOpen` of a calendar that is closed or closes, is null. */
  neverOpensReason: string | null;
}

/** The larger of what the request and the policies expect; 0 where nobody says. */
export function effectiveDuration(policies: readonly CalendarPolicy[], requestedMs: number | null): number {
  return Math.max(requestedMs ?? 0, ...policies.map(({ changeWindow }) => changeWindow.expectedDurationMs));
}

/** Without policies it is always open. The order of policies matters only for the order of `because`. */
export function calendarState(policies: readonly CalendarPolicy[], at: Date, durationMs: number): CalendarState {
  const state = steadyState(policies, at.getTime(), durationMs);
  return state.fits ? { ...state, nextFit: new Date(at) } : state;
}

const steadyState = whileSteady((policies, now, durationMs) => {
  const state = lookUp(policies, now, durationMs);
  // Why it never opens tells how long the longest opening is from now on.
  return { state, steady: state.neverOpensReason === null };
});

function lookUp(policies: readonly CalendarPolicy[], now: number, durationMs: number): CalendarState {
  const horizon = now + horizonMs;
  // Further than this nothing is looked at: what takes longer fits only where nothing ever closes.
  const reach = horizon + Math.min(durationMs, horizonMs);
  const expanded = policies.map((policy) => expandPolicy(policy, { start: now - horizonMs, end: reach }));
  const opening = openTogether(expanded);
  const neverCloses = policies.every(({ changeWindow: { allow, freeze } }) => allow === null && freeze.length === 0);
  const current = intervalAt(opening, now);
  const next = opening.find(({ start }) => start > now && start <= horizon) ?? null;
  const close = current === undefined || current.end > horizon ? null : current.end;
  const nextFit = firstFit(
    opening,
    { start: now, end: horizon },
    durationMs,
    neverCloses ? Number.POSITIVE_INFINITY : reach,
  );
  const fits = nextFit === now;
  const opensAgain = next !== null || (current !== undefined && close === null);
  return {
    open: current !== undefined,
    since: dateSince(current?.start ?? opening.findLast(({ end }) => end <= now)?.end, now),
    nextOpen: next === null ? null : new Date(next.start),
    nextClose: close === null ? null : new Date(close),
    durationMs,
    fits,
    latestStart: fits && close !== null ? new Date(close - needed(durationMs)) : null,
    nextFit: nextFit === null ? null : new Date(nextFit),
    because: reasons(expanded, { start: now, end: now + durationMs }, current !== undefined, fits),
    neverOpensReason: opensAgain && nextFit !== null ? null : explainNever(expanded, opening, now, durationMs),
  };
}

function reasons(policies: readonly ExpandedPolicy[], span: Interval, open: boolean, fits: boolean): CalendarBecause[] {
  if (fits) return openers(policies, span.start);
  return closers(policies, open ? span : { start: span.start, end: span.start });
}

/** The first start in `starts` from which the duration stays inside one opening, as far as `known`. */
function firstFit(opening: readonly Interval[], starts: Interval, durationMs: number, known: number): number | null {
  for (const { start, end } of opening) {
    const from = Math.max(start, starts.start);
    if (from <= starts.end && from + needed(durationMs) <= Math.min(end, known)) return from;
  }
  return null;
}

/** A duration of 0 asks for the instant itself; a millisecond is the least that lies inside an interval. */
function needed(durationMs: number): number {
  return Math.max(1, durationMs);
}

function dateSince(instant: number | undefined, now: number): Date | null {
  return instant === undefined || instant < now - horizonMs ? null : new Date(instant);
}

/** The state that the windows alone make, freezes put aside. */
export function windowStateOf(policies: readonly CalendarPolicy[], at: Date, durationMs: number): CalendarState {
  const unfrozen = policies.map(({ policy, changeWindow }) => ({ policy, changeWindow: withoutFreezes(changeWindow) }));
  return calendarState(unfrozen, at, durationMs);
}

const withoutFreezes = oncePerObject((changeWindow: ChangeWindow) => ({ ...changeWindow, freeze: [] }));

export interface UpcomingInterval {
  /** `at` where it has been open for more than 400 days. */
  start: Date;
  /** null: no end within 400 days. */
  end: Date | null;
  /** What ends it. */
  because: readonly CalendarBecause[];
}

/** The present opening and those that begin in the next 400 days, at most `count`. */
export function upcomingIntervals(policies: readonly CalendarPolicy[], at: Date, count: number): UpcomingInterval[] {
  const now = at.getTime();
  const horizon = now + horizonMs;
  const expanded = policies.map((policy) => expandPolicy(policy, { start: now - horizonMs, end: horizon }));
  return openTogether(expanded)
    .filter(({ start, end }) => end > now && start <= horizon)
    .slice(0, count)
    .map(({ start, end }) => ({
      start: dateSince(start, now) ?? at,
      end: end > horizon ? null : new Date(end),
      because: end > horizon ? [] : closers(expanded, { start: end, end }),
    }));
}

export interface FreezeDuring {
  policy: string;
  window: FreezeWindow;
  interval: { start: Date; end: Date };
  reason: string | null;
  text: string;
}

/** Freezes that cover any part of [from, to); where both are one, that instant. */
export function freezesDuring(policies: readonly CalendarPolicy[], from: Date, to: Date): FreezeDuring[] {
  const span = { start: from.getTime(), end: to.getTime() };
  const around = { start: span.start - horizonMs, end: span.end + horizonMs };
  return policies.flatMap(({ policy, changeWindow }) => {
    const zone = timeZone(changeWindow.timeZone);
    return changeWindow.freeze.flatMap((window) =>
      expandWindow(window, zone, around, "freeze")
        .filter((freeze) => touches(freeze, span))
        .map((freeze) => ({
          policy,
          window,
          interval: { start: new Date(freeze.start), end: new Date(freeze.end) },
          reason: reasonOf(freeze),
          text: describeInterval(freeze, zone),
        })),
    );
  });
}
