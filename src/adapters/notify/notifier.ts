import type { Clock } from "../../app/ports.ts";
import { sha256Hex } from "../../core/digest.ts";
import { signMessage } from "../callers/standard-webhooks.ts";
import { send } from "../outgoing/send.ts";
import type { Notice, NotificationStore } from "../store/notifications.ts";
import { overrideMessage } from "./message.ts";
import type { NotifyTarget } from "./target.ts";

export interface NotifierPorts {
  store: NotificationStore;
  clock: Clock;
  /** A webhook or the store did not do its part; it is tried again. */
  onFailure(target: string, error: unknown): void;
}

const timeoutMs = 10_000;
const atOnce = 10;

/** One round: tells each webhook what it has not been told. Never rejects. */
export async function notifyAll(targets: readonly NotifyTarget[], ports: NotifierPorts): Promise<void> {
  await Promise.all(targets.map((target) => notifyOne(target, ports)));
}

async function notifyOne(target: NotifyTarget, { store, clock, onFailure }: NotifierPorts): Promise<void> {
  try {
    for (const notice of await store.take(target.name, atOnce)) {
      try {
        await deliver(target, notice, clock.now());
        await store.confirm(target.name, notice.jti);
      } catch (error) {
        onFailure(target.name, error);
      }
    }
  } catch (error) {
    onFailure(target.name, error);
  }
}

async function deliver({ name, url, key, format }: NotifyTarget, { jti, decision }: Notice, at: Date): Promise<void> {
  const body = Buffer.from(overrideMessage(decision, jti, format), "utf8");
  // The same for every attempt: receivers can tell a repetition by it.
  const id = `msg_${sha256Hex(JSON.stringify([name, jti])).slice(0, 32)}`;
  const { status } = await send(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key === null ? {} : signMessage(key, id, at, body)) },
    body,
    timeoutMs,
    mostBytes: 65_536,
  });
  if (status < 200 || status > 299) throw new Error(`the webhook answered with status ${status}`);
}
