import path from "node:path";
import type { Clock } from "../../app/ports.ts";
import type { TlsFiles } from "../config/listen.ts";
import { readSettled, watchFiles } from "../watch-files.ts";
import { fingerprintOf, parseTlsMaterial, readTlsFiles, type TlsMaterial } from "./tls-material.ts";

export interface TlsSourceOptions {
  files: TlsFiles;
  /** Told about every new certificate, key or client CA, the first too, before it counts as in force. */
  use(material: TlsMaterial): void;
  clock: Clock;
  onEvent(event: TlsSourceEvent): void;
}

export type TlsSourceEvent =
  | { kind: "reloaded"; state: TlsState }
  /** The last good files stay in force. */
  | { kind: "broken"; error: unknown; staleSince: Date }
  /** Less than a week is left, or nothing. Repeated once a day. */
  | { kind: "expiring"; state: TlsState; expired: boolean }
  /** Changes are noticed by looking now and then only. */
  | { kind: "not-watched"; error: unknown };

/** What is in force. */
export interface TlsState {
  /** SHA-256 of the certificate: "AB:CD:…". */
  fingerprint: string;
  notBefore: Date;
  notAfter: Date;
  loadedAt: Date;
  /** The files on disk have been unusable since then; null: they are in force. */
  staleSince: Date | null;
}

export interface TlsSource {
  state(): TlsState;
  /** Reads the files again even if nothing seems to have changed. Never throws; what happened is an event. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

const dayMs = 24 * 3_600_000;
export const expiryWarningMs = 7 * dayMs;

/** Loads certificate, key and client CA, and again whenever their files change. Throws TlsFilesError the first time. */
export async function watchTlsFiles({ files, use, clock, onEvent }: TlsSourceOptions): Promise<TlsSource> {
  const read = () => readTlsFiles(files);
  const first = await readSettled(read, fingerprintOf);
  if ("error" in first) throw first.error;
  let seen = first.fingerprint;
  let state = loaded(parseTlsMaterial(first.content, files));

  function loaded(material: TlsMaterial): TlsState {
    use(material);
    const { fingerprint, notBefore, notAfter } = material;
    return { fingerprint, notBefore, notAfter, loadedAt: clock.now(), staleSince: null };
  }

  const expiry = expiryWarnings(clock, (expired) => onEvent({ kind: "expiring", state, expired }));
  const look = async (always: boolean): Promise<void> => {
    const reading = await readSettled(read, fingerprintOf);
    if (reading.fingerprint !== seen || always) {
      seen = reading.fingerprint;
      try {
        if ("error" in reading) throw reading.error;
        state = loaded(parseTlsMaterial(reading.content, files));
        onEvent({ kind: "reloaded", state });
      } catch (error) {
        const staleSince = state.staleSince ?? clock.now();
        state = { ...state, staleSince };
        onEvent({ kind: "broken", error, staleSince });
      }
    }
    expiry.check(state);
  };
  expiry.check(state);
  const { certFile, keyFile, clientCaFile } = files;
  const watching = watchFiles({
    directories: [certFile, keyFile, ...(clientCaFile === null ? [] : [clientCaFile])].map((file) =>
      path.dirname(file),
    ),
    look,
    onNotWatched: (error) => onEvent({ kind: "not-watched", error }),
  });
  return { state: () => state, reload: () => watching.lookNow(), close: () => watching.close() };
}

/** Once when less than a week is left, every day from then on, and when the certificate expires. */
function expiryWarnings(clock: Clock, warn: (expired: boolean) => void): { check(state: TlsState): void } {
  let last: { fingerprint: string; at: number; expired: boolean } | null = null;
  return {
    check({ fingerprint, notAfter }) {
      const at = clock.now().getTime();
      const left = notAfter.getTime() - at;
      if (left >= expiryWarningMs) return;
      const expired = left < 0;
      const known = last !== null && last.fingerprint === fingerprint && last.expired === expired;
      if (known && last !== null && at - last.at < dayMs) return;
      last = { fingerprint, at, expired };
      warn(expired);
    },
  };
}
