import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { GateProcess } from "./gates.ts";

/** What one request came to, over all its attempts. */
export interface Outcome {
  key: string;
  /** Its commit: every request has its own, so that a decision made twice is seen. */
  commit: string;
  environment: string;
  attempts: number;
  /** null: no attempt was answered with a decision. */
  answer: { id: string; decision: string; gate: string; at: number } | null;
  /** Answers that were neither a decision nor a documented way to say "not now". */
  unexpected: string[];
}

export interface Load {
  /** Ends when every request is answered or given up. */
  stop(): Promise<Outcome[]>;
  answered(): readonly Outcome[];
}

const giveUpMs = 15_000;

/** Like `plangate request`: the same key and body until there is a decision, at whatever gate answers. */
export function startLoad(gates: readonly GateProcess[], clients: number): Load {
  const outcomes: Outcome[] = [];
  let running = true;
  const client = async (number: number) => {
    for (let turn = number; running; turn += 1) outcomes.push(await ask(gates, turn));
  };
  const all = Array.from({ length: clients }, (_, number) => client(number));
  return {
    answered: () => outcomes,
    async stop() {
      running = false;
      await Promise.all(all);
      return outcomes;
    },
  };
}

async function ask(gates: readonly GateProcess[], turn: number): Promise<Outcome> {
  const key = randomUUID();
  const environment = turn % 3 === 0 ? "staging" : "production";
  const outcome: Outcome = { key, commit: `commit-${key}`, environment, attempts: 0, answer: null, unexpected: [] };
  const end = Date.now() + giveUpMs;
  for (let attempt = 0; outcome.answer === null && Date.now() < end; attempt += 1) {
    if (attempt > 0) await sleep(Math.min(50 * 2 ** attempt, 1_000) * (0.5 + Math.random()));
    const gate = gates[(turn + attempt) % gates.length];
    if (gate === undefined) throw new TypeError("no gate");
    outcome.attempts += 1;
    await attemptAt(gate, outcome);
  }
  return outcome;
}

async function attemptAt(gate: GateProcess, outcome: Outcome): Promise<void> {
  const { key, commit, environment } = outcome;
  try {
    const answer = await fetch(`${gate.url}/v1/decisions?mode=json`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ service: "orders", environment, commit }),
      signal: AbortSignal.timeout(30_000),
    });
    // A decision, or problem+json.
    const body = (await answer.json()) as { id: string; decision: string; code?: string };
    if (answer.status === 200)
      outcome.answer = { id: body.id, decision: body.decision, gate: gate.name, at: Date.now() };
    else if (answer.status !== 503 && body.code !== "idempotency-in-flight" && body.code !== "idempotency-claim-lost") {
      outcome.unexpected.push(`${answer.status} ${body.code}`);
    }
  } catch {
    // The gate is away or did not answer in time: that is what the next attempt is for.
  }
}
