import { z } from "zod";
import { calendarState, freezesDuring } from "../calendar/calendar-state.ts";
import { localAndUtc, localMinute } from "../local-time.ts";
import { failed, passed } from "../rule-support/findings.ts";
import { defineRule, type RuleContext } from "./rule.ts";

export default defineRule({
  id: "freeze",
  summary: "No freeze may cover any part of the deploy.",
  rationale: "A freeze beats every change window. Implied by `changeWindow`; list it only to change its enforcement.",
  parameters: z.strictObject({}),
  evaluate(context) {
    const { request, changeWindow, at, durationMs } = context;
    const subject = `${request.service}/${request.environment}`;
    if (changeWindow === null || changeWindow.changeWindow.freeze.length === 0) {
      return [passed(subject, "The policy has no freeze.")];
    }
    if (context.rollbackToApproved)
      return [passed(subject, "A rollback to an approved commit is not held up by freezes.")];
    const zone = changeWindow.changeWindow.timeZone;
    const freezes = freezesDuring([changeWindow], at, new Date(at.getTime() + durationMs));
    if (freezes.length === 0) return [passed(subject, "No freeze covers the deploy.")];
    return freezes.map(({ interval, reason, text }) =>
      failed({
        subject,
        message: `A freeze covers the deploy of ${subject}: ${text}, until ${localMinute(interval.end, zone)} ${zone}.`,
        help: helpText(context, zone),
        details: { reason, start: interval.start.toISOString(), end: interval.end.toISOString() },
      }),
    );
  },
});

function helpText({ calendar, at, durationMs }: RuleContext, zone: string): string {
  const { nextFit } = calendarState(calendar, at, durationMs);
  return nextFit === null
    ? "Ask the owners of the policy; nothing opens in the next 400 days."
    : `Deploy at or after ${localAndUtc(nextFit, zone)}.`;
}
