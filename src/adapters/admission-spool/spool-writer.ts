import { type FileHandle, open, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { PlangateError } from "../../core/errors.ts";
import { systemErrorCode } from "../input-files.ts";
import { openCut, type Segment, type Segments } from "./segments.ts";
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

/** The segment that is appended to. `handle`: null where a write has failed, and what it left must be cut off first. */
interface Current {
  segment: Segment;
  handle: FileHandle | null;
}

const mostBytesAtOnce = 1024 * 1024;
const mostBytesOfSegment = 4 * 1024 * 1024;
/** What must fit for the spool to be called writable: more than nearly every record. */
const probe = Buffer.alloc(16 * 1024);
/** Anybody may ask for readiness, and flushing for each would keep records waiting. */
const probeEveryMs = 2_000;

/** Lines that come while others are being written are the next to be written, all with one flush of the disk. */
export function spoolWriter({ directory, segments, maxBytes, onEvent }: SpoolWriterOptions): SpoolWriter {
  const segmentBytes = Math.min(mostBytesOfSegment, Math.floor(maxBytes / 4));
  let waiting: Waiting[] = [];
  let writing: Promise<void> | null = null;
  let current: Current | null = null;
  let closed = false;
  let bytesWaiting = 0;
  /** By performance.now(). */
  let goodUntil = 0;

  const requireRoom = (bytes: number) => {
    const held = segments.bytes() + bytesWaiting;
    if (held + bytes > maxBytes) throw full(directory, held, maxBytes);
  };
  /** The empty line writes nothing, and finds out whether something could be written. */
  const enqueue = (line: Buffer) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ line, resolve, reject });
      bytesWaiting += line.length;
      writing ??= writeAll();
    });
  const writeAll = async () => {
    while (waiting.length > 0) {
      const batch = takeBatch();
      try {
        await write(batch.map(({ line }) => line).filter((line) => line.length > 0));
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        const error = failed(directory, cause);
        for (const { reject } of batch) reject(error);
      }
      bytesWaiting -= batch.reduce((sum, { line }) => sum + line.length, 0);
    }
    writing = null;
  };
  const takeBatch = (): Waiting[] => {
    let bytes = 0;
    const end = waiting.findIndex(({ line }, index) => {
      bytes += line.length;
      return index > 0 && bytes > mostBytesAtOnce;
    });
    const batch = end === -1 ? waiting : waiting.slice(0, end);
    waiting = end === -1 ? [] : waiting.slice(end);
    return batch;
  };
  const write = async (lines: readonly Buffer[]) => {
    const { segment, handle } = await writable();
    if (lines.length === 0) return;
    const content = Buffer.concat(lines);
    try {
      await writeAt(handle, content, segment.durable.bytes);
      const [{ nlink }] = await Promise.all([handle.stat(), handle.datasync()]);
      if (nlink === 0) throw new PlangateError("spool-removed", `${segment.file} was removed`);
    } catch (error) {
      await takeBack(segment, handle);
      throw error;
    }
    const { bytes, records } = segment.durable;
    segment.durable = { bytes: bytes + content.length, records: records + lines.length };
    if (segment.durable.bytes >= segmentBytes) await seal(segment, handle);
  };
  const writable = async (): Promise<{ segment: Segment; handle: FileHandle }> => {
    if (current?.handle === null) await mend(current.segment);
    const { segment, handle } = current ?? {};
    if (segment !== undefined && handle != null) return { segment, handle };
    const created = await segments.create();
    current = created;
    return created;
  };
  /** What was written of lines that failed must never be read. */
  const takeBack = async (segment: Segment, handle: FileHandle) => {
    goodUntil = 0;
    current = { segment, handle: null };
    await letGo(handle);
    await mend(segment).catch(() => null); // Tried again before the next line is written.
  };
  /** By the file's name: a handle that has failed may be of no use any more. */
  const mend = async (segment: Segment) => {
    try {
      current = { segment, handle: await openCut(segment.file, segment.durable.bytes) };
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      current = null;
      segments.forget(segment);
      const records = segment.durable.records - segment.drained.records;
      if (records > 0) onEvent({ kind: "lost", file: basename(segment.file), records });
    }
  };
  const seal = async (segment: Segment, handle: FileHandle) => {
    current = null;
    segment.sealed = true;
    await letGo(handle);
  };
  const requireOpen = () => {
    if (closed) throw new PlangateError("spool-failed", `The admission spool ${directory} is closed`);
  };
  let checking: Promise<void> | null = null;
  const check = async () => {
    requireOpen();
    requireRoom(probe.length);
    await enqueue(Buffer.alloc(0));
    if (performance.now() < goodUntil) return;
    await tryDisk(directory).catch((cause: unknown) => {
      throw failed(directory, cause);
    });
    goodUntil = performance.now() + probeEveryMs;
  };
  return {
    async append(line) {
      requireOpen();
      requireRoom(line.length);
      await enqueue(line);
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
      await writing;
      if (current?.handle != null) await seal(current.segment, current.handle);
    },
  };
}

/** At a position, so that a write that is tried again begins where the first did. */
async function writeAt(handle: FileHandle, content: Buffer, position: number): Promise<void> {
  for (let done = 0; done < content.length; ) {
    const { bytesWritten } = await handle.write(content, done, content.length - done, position + done);
    done += bytesWritten;
  }
}

/** For a handle that was flushed or has failed: what closing it says changes nothing. */
async function letGo(handle: FileHandle): Promise<void> {
  try {
    await handle.close();
  } catch {
    return;
  }
}

/** A file of its own, since what is in a segment must be a record. */
async function tryDisk(directory: string): Promise<void> {
  const file = join(directory, "probe");
  const handle = await open(file, "w", 0o600);
  try {
    await writeAt(handle, probe, 0);
    await handle.datasync();
  } finally {
    await handle.close();
    await rm(file, { force: true });
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
