import { newCircuitBreaker } from "../../src/adapters/databases/circuit-breaker.ts";
import { openDatabaseReader } from "../../src/adapters/databases/database-reader.ts";
import { startHungServer } from "./gate.ts";

test("the pause after a failure doubles from 5 s to 5 min, and ends with a success", () => {
  const breaker = newCircuitBreaker();
  let now = new Date("2026-03-11T12:00:00Z");
  const pauses = Array.from({ length: 9 }, () => {
    breaker.failed("it is down", now);
    const until = breaker.pausedUntil(now);
    const seconds = until === null ? null : (until.getTime() - now.getTime()) / 1000;
    expect(breaker.pausedUntil(new Date((until ?? now).getTime() - 1))).toEqual(until);
    now = until ?? now;
    expect(breaker.pausedUntil(now)).toBeNull();
    return seconds;
  });
  expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  breaker.succeeded();
  expect(breaker.failure()).toBeNull();
  breaker.failed("it is down", now);
  expect(breaker.failure()).toMatchObject({ count: 1, problem: "it is down" });
});

test("a clock that is set back does not make the pause longer", () => {
  const breaker = newCircuitBreaker();
  breaker.failed("it is down", new Date("2027-03-11T12:00:00Z"));
  expect(breaker.pausedUntil(new Date("2026-03-11T12:00:00Z"))).toBeNull();
});

describe("a database whose server takes its time", () => {
  const bundlesAdded: unknown[] = [];
  const evidence = {
    add: async (...added: unknown[]) => void bundlesAdded.push(added),
    lastPull: async () => null,
  };

  test("keeps nobody waiting beyond the limit, neither who asked first nor who comes later", async () => {
    const hung = await startHungServer();
    const nodes = [{ name: "silent", url: hung.url, urlFile: null }];
    const reader = openDatabaseReader(
      new Map([["orders", { name: "orders", systemIdentifier: null, nodes, refreshEveryMs: 900_000 }]]),
      {
        evidence,
        clock: { now: () => new Date() },
        onRead: () => {},
        onStoreFailure: (error) => {
          throw error;
        },
        patienceMs: 50,
      },
    );
    try {
      for (let request = 0; request < 3; request++) {
        const [reading] = await reader.refresh("orders", 900_000);
        expect(reading?.problem).toBe("silent: it is still being read; send the request again in a minute");
        // It was not waited for until it failed.
        expect(reader.states()).toMatchObject([{ failures: 0, state: "not read yet" }]);
      }
      await hung.connected;
      expect(hung.connections()).toBe(1);
    } finally {
      await hung.stop();
      await reader.close();
    }
    expect(reader.states()).toMatchObject([{ failures: 1, state: "failing" }]);
    expect(bundlesAdded).toEqual([]);
  });

  test("is null where the gate does not read it", async () => {
    const ports = { evidence, clock: { now: () => new Date() }, onRead: () => {}, onStoreFailure: () => {} };
    const reader = openDatabaseReader(new Map(), ports);
    expect(reader.find("__proto__")).toBeNull();
    expect(await reader.refresh("orders", 1)).toEqual([]);
    await reader.close();
  });
});
