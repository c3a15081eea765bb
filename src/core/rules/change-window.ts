import { z } from "zod";
import { calendarState, windowStateOf } from "../calendar/calendar-state.ts";
import type { CalendarPolicy } from "../calendar/types.ts";
import { localAndUtc, localMinute } from "../local-time.ts";
import { failed, passed } from "../rule-support/findings.ts";
import { formatDuration } from "../values.ts";
import { defineRule, type RuleContext } from "./rule.ts";

export default defineRule({
  id: "change-window",
  summary: "The deploy must start and end inside the policy's change window.",
  rationale:
    "A schema change on a Friday afternoon breaks on Monday morning. The whole of `[now, now + duration)` must lie inside one opening, in the window's own time zone, daylight saving included. Implied by `changeWindow`; list it only to change its enforcement.",
  parameters: z.strictObject({}),
  evaluate(context) {
    const { request, changeWindow, at, durationMs } = context;
    const subject = `${request.service}/${request.environment}`;
    if (changeWindow === null) return [passed(subject, "The policy has no change window.")];
    if (context.rollbackToApproved)
      return [passed(subject, "A rollback to an approved commit is not held up by windows.")];
    const { timeZone, allow } = changeWindow.changeWindow;
    if (allow === null) return [passed(subject, "The policy has no change window, only freezes.")];
    const state = windowStateOf([changeWindow], at, durationMs);
    if (state.fits) {
      const until = state.nextClose === null ? "" : ` until ${localAndUtc(state.nextClose, timeZone)}`;
      return [passed(subject, `The change window is open${until}.`)];
    }
    const next = nextStart(context, changeWindow);
    const window = state.because.map(({ text }) => text).join("; ") || timeZone;
    const closed =
      state.open && state.nextClose !== null
        ? `closes at ${localMinute(state.nextClose, timeZone)}, too soon for a deploy of ${formatDuration(durationMs)}`
        : `is closed at ${localMinute(at, timeZone)}`;
    const opens =
      next === null ? "It does not open in the next 400 days." : `It next opens at ${localMinute(next, timeZone)}.`;
    return [
      failed({
        subject,
        message: `The change window (${window}) ${closed}. ${opens}`,
        help:
          next === null
            ? "Ask the owners of the policy for a window that is long enough."
            : `Deploy at or after ${localAndUtc(next, timeZone)}.`,
        details: {
          nextOpen: state.nextOpen?.toISOString() ?? null,
          nextFit: next?.toISOString() ?? null,
          timeZone,
        },
      }),
    ];
  },
});

/** When it could really go out: every matching policy and freeze applied. */
function nextStart({ calendar, at, durationMs }: RuleContext, own: CalendarPolicy): Date | null {
  return calendarState(calendar.length === 0 ? [own] : calendar, at, durationMs).nextFit;
}
