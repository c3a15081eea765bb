/** The allowed word that a misspelt one most likely means; null when none is close. */
export function closestWord(written: string, allowed: readonly string[]): string | null {
  if (written.length > 60) return null;
  const wanted = written.toLowerCase();
  let best: { word: string; distance: number } | null = null;
  for (const word of allowed) {
    const distance = editDistance(wanted, word.toLowerCase());
    if (distance <= Math.max(1, Math.floor(word.length / 3)) && (best === null || distance < best.distance)) {
      best = { word, distance };
    }
  }
  return best?.word ?? null;
}

/** `; did you mean "x"?` or nothing, for the middle of a message. */
export function didYouMean(written: string, allowed: readonly string[]): string {
  const word = closestWord(written, allowed);
  return word === null ? "" : `; did you mean "${word}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let distance = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + cost);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) distance = Math.min(distance, at(beforeLast, column - 2) + 1);
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
