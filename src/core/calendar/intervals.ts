/** Half-open [start, end) in milliseconds since 1970 UTC; ±Infinity where there is no end. Lists are sorted and disjoint. */
export interface Interval {
  start: number;
  end: number;
}

export const always: readonly Interval[] = [{ start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }];

/** Sorts, drops the empty ones, and joins those that overlap or touch. */
export function merge(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start);
  const merged: Interval[] = [];
  for (const { start, end } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/** What lies in both. Arguments are merged. */
export function intersect(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const common: Interval[] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const left = a[i];
    const right = b[j];
    if (left === undefined || right === undefined) return common;
    const start = Math.max(left.start, right.start);
    const end = Math.min(left.end, right.end);
    if (start < end) common.push({ start, end });
    if (left.end < right.end) i++;
    else j++;
  }
}

/** What lies in none. The argument is merged. */
export function complement(intervals: readonly Interval[]): Interval[] {
  const gaps: Interval[] = [];
  let start = Number.NEGATIVE_INFINITY;
  for (const interval of intervals) {
    if (start < interval.start) gaps.push({ start, end: interval.start });
    start = interval.end;
  }
  if (start < Number.POSITIVE_INFINITY) gaps.push({ start, end: Number.POSITIVE_INFINITY });
  return gaps;
}

/** What lies in `a` and not in `b`. Arguments are merged. */
export function subtract(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  return intersect(a, complement(b));
}

/** The interval of a merged list that holds the instant. */
export function intervalAt<T extends Interval>(intervals: readonly T[], instant: number): T | undefined {
  return intervals.find(({ start, end }) => start <= instant && instant < end);
}

/** Whether they share any instant; an empty `span` (start = end) stands for that one instant. */
export function touches(interval: Interval, span: Interval): boolean {
  if (span.start === span.end) return interval.start <= span.start && span.start < interval.end;
  return interval.start < span.end && span.start < interval.end;
}
