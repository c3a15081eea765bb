import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import type { AdmissionRecord, AdmissionRecorder } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import { type DirectoryLock, lockDirectory } from "../directory-lock.ts";
import { systemErrorCode } from "../input-files.ts";
import { type Drainer, startDrainer } from "./drainer.ts";
import { type Extent, openSegments, type Segments } from "./segments.ts";
import type { OnSpoolEvent } from "./spool-event.ts";
import { toLine } from "./spool-lines.ts";
import { spoolWriter } from "./spool-writer.ts";

export interface AdmissionSpool {
  recorder: AdmissionRecorder;
  /** For readiness. Throws PlangateError `spool-failed` where a record could not be made now. */
  checkWritable(): Promise<void>;
  /** From now on the store is given what was recorded, what an earlier process left too. Nothing happens a second time, or once closed. */
  drainTo(store: AdmissionSink): void;
  /** What is not in the store yet. */
  backlog(): Extent;
  /** Records nothing more, drains what is left (for at most `closeWithinMs`) and gives the directory free. May be called twice. */
  close(): Promise<void>;
}

/** The store, as far as it matters here. Writing a record again must change nothing. */
export interface AdmissionSink {
  admissions: { writeAdmissions(records: readonly AdmissionRecord[]): Promise<unknown> };
}

export interface AdmissionSpoolOptions {
  /** Made if absent. */
  directory: string;
  /** What the files hold at most; default 256 MiB. */
  maxBytes?: number;
  /** Default: 5 s. */
  closeWithinMs?: number;
  onEvent: OnSpoolEvent;
}

/** Keeps admission records on local disk until the store has them. Throws PlangateError `spool-failed`, or `spool-in-use` where another process has the directory. */
export async function openAdmissionSpool(options: AdmissionSpoolOptions): Promise<AdmissionSpool> {
  const directory = resolve(options.directory);
  const lock = await lockSpool(directory);
  try {
    return openLocked(await openSegments(directory, options.onEvent), lock, { ...options, directory });
  } catch (cause) {
    lock.release();
    throw unusable(directory, cause);
  }
}

function openLocked(segments: Segments, lock: DirectoryLock, options: AdmissionSpoolOptions): AdmissionSpool {
  const { directory, maxBytes = 256 * 1024 * 1024, closeWithinMs = 5_000, onEvent } = options;
  const writer = spoolWriter({ directory, segments, maxBytes, onEvent });
  let drainer: Drainer | null = null;
  let closing: Promise<void> | null = null;
  const close = async () => {
    await writer.close();
    await drainer?.close(closeWithinMs);
    lock.release();
  };
  return {
    recorder: { record: async (record) => writer.append(toLine(record)) },
    checkWritable: () => writer.check(),
    drainTo({ admissions }) {
      if (closing !== null) return;
      drainer ??= startDrainer({ segments, onEvent, write: (records) => admissions.writeAdmissions(records) });
    },
    backlog: () => segments.backlog(),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function lockSpool(directory: string): Promise<DirectoryLock> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return await lockDirectory(directory, (holder) => inUse(directory, holder));
  } catch (cause) {
    throw cause instanceof PlangateError ? cause : unusable(directory, cause);
  }
}

function inUse(directory: string, holder: string): PlangateError {
  return new PlangateError(
    "spool-in-use",
    `The admission spool ${directory} is in use by ${holder}. Stop that gate, or give this one another admission.spoolDirectory.`,
  );
}

function unusable(directory: string, cause: unknown): PlangateError {
  const message = `The admission spool ${directory} cannot be used (${systemErrorCode(cause)})`;
  return new PlangateError("spool-failed", message, { cause });
}
