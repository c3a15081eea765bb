/** "50 seconds", "12 minutes", "26 hours", "9 days": the largest unit of which there are at least two. */
export function roughDuration(ms: number): string {
  for (const [unit, size] of [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
  ] as const) {
    if (ms >= 2 * size) return plural(Math.floor(ms / size), unit);
  }
  return plural(Math.floor(ms / 1000), "second");
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
