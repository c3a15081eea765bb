import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { PlangateError } from "../../core/errors.ts";
import { systemErrorCode } from "../input-files.ts";
import { segmentAppender, writeAt } from "./appender.ts";
import type { Segments } from "./segments.ts";
import type { OnSpoolEvent } from "./spool-event.ts";

export interface SpoolWriter {
  /** `line` is durable when it returns. Throws PlangateError `spool-failed`, and then it stands nowhere. */
  append(line: Buffer): Promise<void>;
  /** Throws PlangateError `spool-failed` where `append` would; a disk that took something 2 s ago is not tried again. */
  check(): Promise<void>;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

export interface SpoolWriterOptions {
  directory: string;
  segments: Segments;
  maxBytes: number;
  onEvent: OnSpoolEvent;
}

interface Waiting {
  line: Buffer;
  resolve(): void;
  reject(error: Error): void;
}

const mostBytesAtOnce = 1024 * 1024;
const mostBytesOfSegment = 4 * 1024 * 1024;
/** What must fit for the spool to be called writable: more than nearly every record. */
const probe = Buffer.alloc(16 * 1024);
/** Anybody may ask for readiness, and flushing for each would keep records waiting. */
const probeEveryMs = 2_000;

export function spoolWriter({ directory, segments, maxBytes, onEvent }: SpoolWriterOptions): SpoolWriter {
  // Small enough for the store to empty it while the spool is full.
  const segmentBytes = Math.min(mostBytesOfSegment, Math.floor(maxBytes / 4));
  const appender = segmentAppender({ segments, segmentBytes, onEvent });
  /** By performance.now(): until then the disk is not tried. */
  let goodUntil = 0;
  let closed = false;
  const queue = lineQueue(async (lines) => {
    try {
      await appender.append(lines);
    } catch (cause) {
      goodUntil = 0;
      throw failed(directory, cause);
    }
  });
  const requireRoom = (bytes: number) => {
    if (closed) throw new PlangateError("spool-failed", `The admission spool ${directory} is closed`);
    const held = segments.bytes() + queue.bytes();
    if (held + bytes > maxBytes) throw full(directory, held, maxBytes);
  };
  const check = async () => {
    requireRoom(probe.length);
    await queue.add(noLine);
    if (performance.now() < goodUntil) return;
    await tryDisk(directory);
    goodUntil = performance.now() + probeEveryMs;
  };
  let checking: Promise<void> | null = null;
  return {
    async append(line) {
      requireRoom(line.length);
      await queue.add(line);
    },
    check() {
      checking ??= check().finally(() => {
        checking = null;
      });
      return checking;
    },
    async close() {
      closed = true;
      await checking?.catch(() => null); // Whoever asked is told.
      await queue.idle();
      await appender.close();
    },
  };
}

/** Nothing is written of it, but whether something could be. */
const noLine = Buffer.alloc(0);

/** Lines that come while others are being written are the next to be written, all with one flush of the disk. */
function lineQueue(write: (lines: readonly Buffer[]) => Promise<void>) {
  let waiting: Waiting[] = [];
  let bytes = 0;
  let writing: Promise<void> | null = null;
  const take = (): Waiting[] => {
    let taken = 0;
    const end = waiting.findIndex(({ line }, index) => {
      taken += line.length;
      return index > 0 && taken > mostBytesAtOnce;
    });
    const batch = end === -1 ? waiting : waiting.slice(0, end);
    waiting = end === -1 ? [] : waiting.slice(end);
    return batch;
  };
  const writeAll = async () => {
    while (waiting.length > 0) {
      const batch = take();
      const lines = batch.map(({ line }) => line).filter((line) => line !== noLine);
      const error = await write(lines).then(
        () => null,
        (error: Error) => error,
      );
      bytes -= lines.reduce((sum, line) => sum + line.length, 0);
      for (const { resolve, reject } of batch) error === null ? resolve() : reject(error);
    }
    writing = null;
  };
  return {
    add: (line: Buffer) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ line, resolve, reject });
        bytes += line.length;
        writing ??= writeAll();
      }),
    /** Of the lines that are not written yet. */
    bytes: () => bytes,
    idle: async () => void (await writing),
  };
}

/** A file of its own, since what is in a segment must be a record. */
async function tryDisk(directory: string): Promise<void> {
  const file = join(directory, "probe");
  try {
    const handle = await open(file, "w", 0o600);
    try {
      writeAt(handle, probe, 0);
      await handle.datasync();
    } finally {
      await handle.close();
      await rm(file, { force: true });
    }
  } catch (cause) {
    throw failed(directory, cause);
  }
}

function failed(directory: string, cause: unknown): PlangateError {
  const message = `The admission could not be recorded in ${directory} (${systemErrorCode(cause)})`;
  return new PlangateError("spool-failed", message, { cause });
}

function full(directory: string, held: number, maxBytes: number): PlangateError {
  return new PlangateError(
    "spool-failed",
    `The admission spool ${directory} is full: it holds ${held} of ${maxBytes} bytes that are not in the gate's database yet. ` +
      "Make the database answer again; the spool is emptied by itself then.",
  );
}
