/**
 * @jest-environment ./test/calendar/zone-environment.cjs
 * @jest-environment-options {"timeZone": "Australia/Lord_Howe"}
 */
import fc from "fast-check";
import { calendarState, freezesDuring } from "../../src/core/calendar/calendar-state.ts";
import type { CalendarPolicy, OneOffWindow, RecurringWindow } from "../../src/core/calendar/types.ts";
import { weekdays } from "../../src/core/calendar/types.ts";
import { changesOf, isOpenAt } from "./point-evaluator.ts";
import { day, hour, minute } from "./policies.ts";

/** Half-hour steps, midnight jumps, decrees, skipped days, offsets of quarters, southern summers, none at all. */
const zones = [
  "UTC",
  "America/New_York",
  "America/St_Johns",
  "America/Santiago",
  "America/Asuncion",
  "America/Havana",
  "America/Sao_Paulo",
  "Europe/London",
  "Europe/Berlin",
  "Europe/Dublin",
  "Africa/Casablanca",
  "Africa/Cairo",
  "Asia/Beirut",
  "Asia/Gaza",
  "Asia/Tehran",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Australia/Adelaide",
  "Australia/Lord_Howe",
  "Pacific/Chatham",
  "Pacific/Auckland",
  "Antarctica/Troll",
  "Atlantic/Azores",
  "America/Nuuk",
  "Etc/GMT+12",
  "Pacific/Kiritimati",
];
const changes = new Map(zones.map((zone) => [zone, changesOf(zone, 2022, 2028)]));

/** Boundaries lie on this grid, so that looking at every point of it, and at `at`, sees everything. */
const step = 5 * minute;
const looks = 36 * hour;

/** Any minute of the day on the grid, but more often one within two hours of `near`. */
const localMinute = (near: number) =>
  fc.oneof(
    fc.integer({ min: 0, max: 287 }).map((n) => n * 5),
    fc.integer({ min: -24, max: 24 }).map((n) => (near + n * 5 + 1440) % 1440),
  );
const recurring = (near: number): fc.Arbitrary<RecurringWindow> =>
  fc
    .record({
      days: fc.oneof(fc.constant(weekdays), fc.subarray([...weekdays], { minLength: 1 })),
      from: localMinute(near),
      to: fc.oneof({ weight: 5, arbitrary: localMinute(near) }, { weight: 1, arbitrary: fc.constant(1440) }),
    })
    .filter(({ from, to }) => from !== to)
    .map((window) => ({ kind: "recurring", ...window, reason: null }));
const oneOff = (near: number): fc.Arbitrary<OneOffWindow> =>
  fc
    .record({ from: fc.integer({ min: -576, max: 576 }), length: fc.integer({ min: 1, max: 576 }) })
    .map(({ from, length }) => {
      const start = Math.floor(near / day) * day + from * step;
      const wall = (instant: number) => new Date(instant).toISOString().slice(0, 19);
      return { kind: "one-off", from: wall(start), to: wall(start + length * step), reason: null, label: "one-off" };
    });

interface Situation {
  policies: CalendarPolicy[];
  at: number;
  durationMs: number;
}
const situation: fc.Arbitrary<Situation> = fc
  .record({
    zone: fc.constantFrom(...zones),
    change: fc.nat(),
    off: fc.oneof(fc.integer({ min: -150, max: 150 }), fc.integer({ min: -36 * 60, max: 36 * 60 })),
    far: fc.boolean(),
    ms: fc.constantFrom(0, 0, 0, 1, 999, 59_999),
  })
  .chain(({ zone, change, off, far, ms }) => {
    const known = changes.get(zone) ?? [];
    const { instant, minuteOfDay } = known[change % known.length] ?? { instant: 0, minuteOfDay: 0 };
    const at = instant + (far && off % 5 === 0 ? 91 * day : 0) + off * minute + ms;
    const window = fc.oneof({ weight: 4, arbitrary: recurring(minuteOfDay) }, { weight: 1, arbitrary: oneOff(at) });
    const policy = fc.record({
      timeZone: fc.oneof(
        { weight: 3, arbitrary: fc.constant(zone) },
        { weight: 1, arbitrary: fc.constantFrom(...zones) },
      ),
      allow: fc.option(fc.array(window, { minLength: 1, maxLength: 3 })),
      freeze: fc.array(window, { maxLength: 2 }),
    });
    return fc.record({
      policies: fc
        .array(policy, { minLength: 1, maxLength: 2 })
        .map((all) =>
          all.map((changeWindow, i) => ({ policy: `p${i}`, changeWindow: { ...changeWindow, expectedDurationMs: 0 } })),
        ),
      at: fc.constant(at),
      durationMs: fc.constantFrom(0, 0, minute, 10 * minute, hour, 7 * hour, day),
    });
  });

/** `at`, then every point of the grid after it. */
function pointsFrom(at: number): number[] {
  const first = Math.floor(at / step) * step + step;
  return [at, ...Array.from({ length: looks / step }, (_, i) => first + i * step)];
}

function walk({ policies, at, durationMs }: Situation) {
  const points = pointsFrom(at).map((instant) => ({ instant, open: isOpenAt(policies, instant) }));
  const [now, ...later] = points;
  const change = later.find(({ open }) => open !== now?.open)?.instant ?? null;
  const close = now?.open ? change : null;
  const reopening =
    later.find(({ instant, open }) => open && (!now?.open || (close !== null && instant > close)))?.instant ?? null;
  let runStart: number | null = null;
  let nextFit: number | null = null;
  for (const [i, { instant, open }] of points.entries()) {
    if (!open) runStart = null;
    else runStart ??= instant;
    const next = points[i + 1]?.instant ?? instant + 1;
    if (runStart !== null && next - runStart >= Math.max(1, durationMs)) {
      nextFit = runStart;
      break;
    }
  }
  return { open: now?.open, close, reopening, nextFit, end: points.at(-1)?.instant ?? at };
}

/** What lies beyond the walk is not compared. */
function within(date: Date | null, end: number): number | null {
  return date === null || date.getTime() > end ? null : date.getTime();
}

test("the state is what a walk from point to point finds", () => {
  fc.assert(
    fc.property(situation, (given) => {
      const walked = walk(given);
      const state = calendarState(given.policies, new Date(given.at), given.durationMs);
      const walkedFit =
        walked.nextFit !== null && walked.nextFit + given.durationMs <= walked.end ? walked.nextFit : null;
      const fit = within(state.nextFit, walked.end - Math.max(1, given.durationMs));
      expect({
        open: state.open,
        nextClose: within(state.nextClose, walked.end),
        nextOpen: within(state.nextOpen, walked.end),
        fits: state.fits,
        nextFit: fit,
      }).toEqual({
        open: walked.open,
        nextClose: walked.close,
        nextOpen: walked.reopening,
        fits: walked.nextFit === given.at,
        nextFit: walkedFit !== null && walkedFit <= walked.end - Math.max(1, given.durationMs) ? walkedFit : null,
      });
    }),
    { numRuns: 300 },
  );
});

test("what the state says of other instants, the state of those instants says too", () => {
  fc.assert(
    fc.property(situation, ({ policies, at, durationMs }) => {
      const state = calendarState(policies, new Date(at), durationMs);
      const { since, nextOpen, nextClose, nextFit, latestStart } = state;
      const open = (instant: Date, later: number) => isOpenAt(policies, instant.getTime() + later);
      if (since !== null) expect([open(since, -1), open(since, 0)]).toEqual([!state.open, state.open]);
      if (nextOpen !== null) expect([open(nextOpen, -1), open(nextOpen, 0)]).toEqual([false, true]);
      if (nextClose !== null) expect([open(nextClose, -1), open(nextClose, 0)]).toEqual([true, false]);
      if (nextFit !== null) expect(calendarState(policies, nextFit, durationMs).fits).toBe(true);
      if (latestStart !== null) {
        const fits = (later: number) =>
          calendarState(policies, new Date(latestStart.getTime() + later), durationMs).fits;
        expect([fits(0), fits(1)]).toEqual([true, false]);
      }
      expect(state.neverOpensReason === null).toBe(
        nextFit !== null && (nextOpen !== null || (state.open && nextClose === null)),
      );
    }),
    { numRuns: 200 },
  );
});

test("asked again and again, it answers as if it were asked for the first time", () => {
  const near = fc.oneof(
    fc.integer({ min: -300, max: 300 }).map((n) => n * step),
    fc.integer({ min: -hour, max: hour }),
  );
  const offsets = fc.array(near, { minLength: 2, maxLength: 8 });
  const far = fc.constantFrom(0, 0, 400 * day, -400 * day);
  fc.assert(
    fc.property(situation, far, offsets, ({ policies, at, durationMs }, away, around) => {
      const start = at + away;
      const { nextOpen, nextClose, nextFit, latestStart } = calendarState(policies, new Date(start), durationMs);
      const edges = [nextOpen, nextClose, nextFit, latestStart].flatMap((edge) => edge?.getTime() ?? []);
      const instants = [
        ...around.map((offset) => start + offset),
        ...edges.flatMap((edge) => [edge - 1, edge, edge + 1]),
      ];
      for (const instant of instants) {
        const asked = calendarState(policies, new Date(instant), durationMs);
        expect(asked).toEqual(calendarState(structuredClone(policies), new Date(instant), durationMs));
      }
    }),
    { numRuns: 40 },
  );
});

test("freezesDuring finds a freeze exactly where a calendar of the freezes alone does not fit", () => {
  fc.assert(
    fc.property(situation, ({ policies, at, durationMs }) => {
      const alone = policies.map(({ policy, changeWindow }) => ({
        policy,
        changeWindow: { ...changeWindow, allow: null },
      }));
      const freezes = freezesDuring(policies, new Date(at), new Date(at + durationMs));
      expect(freezes.length === 0).toBe(calendarState(alone, new Date(at), durationMs).fits);
      for (const { interval } of freezes) expect(isOpenAt(alone, interval.start.getTime())).toBe(false);
    }),
    { numRuns: 200 },
  );
});
