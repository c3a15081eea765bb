export interface Compared {
  /** Median milliseconds. */
  subject: number;
  baseline: number;
  ratio: number;
}

/** Runs both in turns, so that noise hits both, and takes medians. */
export function compare(rounds: number, subject: () => void, baseline: () => void): Compared {
  const times = { subject: [] as number[], baseline: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.subject.push(timed(subject));
    times.baseline.push(timed(baseline));
  }
  const result = { subject: median(times.subject), baseline: median(times.baseline) };
  return { ...result, ratio: result.subject / result.baseline };
}

function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
