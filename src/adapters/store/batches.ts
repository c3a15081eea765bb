/**
 * Runs `write` for one batch after the other: what comes while one is being written is the next. Two items with the same `key` are never in
 * one batch. Where a batch fails, all of it does.
 */
export function inBatches<Item, Result>(
  most: number,
  key: (item: Item) => string,
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  interface Waiting {
    item: Item;
    resolve(result: Result): void;
    reject(error: unknown): void;
  }
  let waiting: Waiting[] = [];
  let writing = false;
  const take = (): Waiting[] => {
    const batch = new Map<string, Waiting>();
    const left: Waiting[] = [];
    for (const one of waiting) {
      const name = key(one.item);
      if (batch.size < most && !batch.has(name)) batch.set(name, one);
      else left.push(one);
    }
    waiting = left;
    return [...batch.values()];
  };
  const writeAll = async () => {
    writing = true;
    while (waiting.length > 0) {
      const batch = take();
      try {
        const results = await write(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) {
          // `write` gives one result for each item.
          resolve(results[index] as Result);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = false;
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!writing) void writeAll();
    });
}
