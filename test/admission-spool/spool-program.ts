/** Run as a process of its own by spool-process.ts: does with one spool what it is told over the IPC channel. */
import { openAdmissionSpool } from "../../src/adapters/admission-spool/admission-spool.ts";
import type { SpoolEvent } from "../../src/adapters/admission-spool/spool-event.ts";
import { openStore, type Store } from "../../src/adapters/store/store.ts";
import type { AdmissionRecord } from "../../src/app/ports.ts";
import { PlangateError } from "../../src/core/errors.ts";

export type Command =
  | { do: "record"; records: AdmissionRecord[] }
  | { do: "record-forever"; prefix: string; sample: AdmissionRecord }
  | { do: "check" | "backlog" | "close" }
  | { do: "drain"; url: string };

/** `null`: done. Failures are told by their codes. */
export type Outcome = { code: string; message: string; cause: string | null } | null;

export type Message =
  | { kind: "opened"; outcome: Outcome }
  | { kind: "answer"; number: number; value: unknown }
  | { kind: "event"; event: SpoolEvent }
  | { kind: "recorded"; id: string };

const [directory = "", maxBytes = "", closeWithinMs = ""] = process.argv.slice(2);
const send = (message: Message) => void process.send?.(message);

async function main(): Promise<void> {
  const opening = openAdmissionSpool({
    directory,
    maxBytes: maxBytes === "" ? undefined : Number(maxBytes),
    closeWithinMs: closeWithinMs === "" ? undefined : Number(closeWithinMs),
    onEvent: (event) =>
      send({ kind: "event", event: event.kind === "drain-failed" ? { ...event, error: null } : event }),
  });
  send({ kind: "opened", outcome: await outcomeOf(opening) });
  const spool = await opening;
  let store: Store | null = null;
  const obey = async (command: Command): Promise<unknown> => {
    switch (command.do) {
      case "record":
        return Promise.all(command.records.map((record) => outcomeOf(spool.recorder.record(record))));
      case "record-forever":
        for (let number = 0; ; number += 1) {
          const id = `${command.prefix}${number}`;
          const recording = spool.recorder.record({ ...command.sample, id });
          void recording.then(() => send({ kind: "recorded", id }));
          // 20 at a time, so that lines are being written whenever it is killed.
          if (number % 20 === 0) await recording;
        }
      case "check":
        return outcomeOf(spool.checkWritable());
      case "backlog":
        return spool.backlog();
      case "drain":
        store = await openStore({
          connection: { connectionString: command.url },
          maxConnections: 4,
          onConnectionError: () => {},
          clock: { now: () => new Date("2026-03-11T12:30:00.000Z") },
          evidenceRetentionMs: null,
        });
        return spool.drainTo(store);
      case "close":
        await spool.close();
        void store?.close();
        return null;
    }
  };
  process.on("message", ({ number, command }: { number: number; command: Command }) => {
    void obey(command).then((value) => send({ kind: "answer", number, value: value ?? null }));
  });
}

async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work;
    return null;
  } catch (error) {
    if (!(error instanceof PlangateError)) throw error;
    const cause = error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException).code : undefined;
    return { code: error.code, message: error.message, cause: cause ?? null };
  }
}

main().catch(() => {
  process.exitCode = 1;
  process.disconnect();
});
