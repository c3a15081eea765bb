import { formatDuration } from "../values.ts";
import { type ExpandedPolicy, horizonMs } from "./expansion.ts";
import { type Interval, intersect, intervalAt } from "./intervals.ts";

/** Why a calendar does not open again within 400 days of `now`, or never for as long as the duration. */
export function explainNever(
  policies: readonly ExpandedPolicy[],
  opening: readonly Interval[],
  now: number,
  durationMs: number,
): string {
  if (durationMs > horizonMs)
    return `${formatDuration(durationMs)} is longer than the 400 days that the calendar looks ahead`;
  const rest = [{ start: intervalAt(opening, now)?.end ?? now, end: now + horizonMs }];
  if (intersect(opening, rest).length > 0) {
    const lengths = opening
      .filter(({ start, end }) => end > now && start <= now + horizonMs)
      .map(({ start, end }) => end - Math.max(start, now));
    const longest = formatLength(Math.max(...lengths));
    return `no opening in the next 400 days is as long as ${formatDuration(durationMs)}; the longest lasts ${longest}`;
  }
  const shut = policies.find(({ open }) => intersect(open, rest).length === 0);
  if (shut === undefined) {
    const names = policies.map(({ policy }) => policy).join(", ");
    return `${names} are never open at the same time in the next 400 days`;
  }
  if (intersect(shut.allowed, rest).length === 0)
    return `no window of ${shut.policy} (${shut.text}) opens in the next 400 days`;
  return `freezes of ${shut.policy} leave nothing open in the next 400 days`;
}

/** Rounded down, so that nobody is promised more than there is. */
function formatLength(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return formatDuration(seconds >= 60 ? Math.floor(seconds / 60) * 60_000 : seconds * 1000);
}
