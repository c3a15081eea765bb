import { calendarState } from "./calendar/calendar-state.ts";
import type { CalendarPolicy } from "./calendar/types.ts";
import type { WindowState } from "./decision.ts";
import { formatDuration } from "./values.ts";

/** The calendar's state at an instant, in the form that decisions and GET /v1/windows carry. */
export function windowState(
  calendar: readonly CalendarPolicy[],
  timeZone: string | null,
  at: Date,
  durationMs: number,
): WindowState {
  const state = calendarState(calendar, at, durationMs);
  return {
    open: state.open,
    since: iso(state.since),
    nextOpen: iso(state.nextOpen),
    nextClose: iso(state.nextClose),
    duration: formatDuration(durationMs),
    fits: state.fits,
    latestStart: iso(state.latestStart),
    nextFit: iso(state.nextFit),
    because: state.because.map(({ policy, kind, interval, reason, text }) => ({
      policy,
      kind,
      interval: interval && { start: interval.start.toISOString(), end: interval.end.toISOString() },
      reason,
      text,
    })),
    neverOpensReason: state.neverOpensReason,
    timeZone,
  };
}

function iso(instant: Date | null): string | null {
  return instant?.toISOString() ?? null;
}
