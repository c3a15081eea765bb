import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import type { AdmissionRecord } from "../../app/ports.ts";
import { systemErrorCode } from "../input-files.ts";
import { lineFeed, type Segment, type Segments } from "./segments.ts";
import type { OnSpoolEvent } from "./spool-event.ts";
import { parseLines } from "./spool-lines.ts";

export interface DrainerOptions {
  segments: Segments;
  /** Writing a record again must change nothing. */
  write(records: readonly AdmissionRecord[]): Promise<unknown>;
  onEvent: OnSpoolEvent;
}

export interface Drainer {
  /** Drains what is left, for at most `withinMs`. Touches no file afterwards. */
  close(withinMs: number): Promise<void>;
}

const everyMs = 250;
const longestPauseMs = 15_000;
/** Little, since requests wait while the lines are read and hashed. */
const bytesAtOnce = 32 * 1024;

/** Moves what is in the spool to the store, from now on. After a failure it waits, twice as long each time. */
export function startDrainer({ segments, write, onEvent }: DrainerOptions): Drainer {
  const stop = new AbortController();
  let abandoned = false;
  let failures = 0;
  const drain = async () => {
    try {
      for (const segment of segments.list()) await drainSegment(segment);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!abandoned) onEvent({ kind: "drain-failed", error, failures });
    }
  };
  const drainSegment = async (segment: Segment) => {
    // What comes in the meantime waits for the next turn, with what else comes until then: a transaction for each few would be many.
    const { bytes } = segment.durable;
    while (segment.drained.bytes < bytes && !abandoned) {
      const lines = await nextLines(segment);
      if (lines === null) reportLost(segment);
      else await drainLines(segment, lines);
    }
    const empty = segment.drained.bytes === segment.durable.bytes;
    if (segment.sealed && empty && !abandoned) await segments.remove(segment);
  };
  const drainLines = async (segment: Segment, lines: Buffer) => {
    const { records, unreadable } = parseLines(lines.toString());
    if (records.length > 0) await write(records);
    if (abandoned) return;
    const { drained } = segment;
    segment.drained = { bytes: drained.bytes + lines.length, records: drained.records + records.length + unreadable };
    segment.unreadable += unreadable;
    if (records.length > 0) onEvent({ kind: "drained", records: records.length });
  };
  const reportLost = (segment: Segment) => {
    const { file, durable, drained } = segment;
    segment.drained = durable;
    onEvent({ kind: "lost", file: basename(file), records: durable.records - drained.records });
  };
  const run = async () => {
    while (!stop.signal.aborted) {
      await drain();
      await pause(failures === 0 ? everyMs : Math.min(longestPauseMs, everyMs * 2 ** failures), stop.signal);
    }
  };
  const running = run();
  return {
    async close(withinMs) {
      stop.abort();
      const bound = new AbortController();
      await Promise.race([running.then(drain), pause(withinMs, bound.signal)]);
      abandoned = true;
      bound.abort();
    },
  };
}

/** The next whole lines that are not drained, about `bytesAtOnce`; null: the file is gone, or was cut. */
async function nextLines({ file, durable, drained }: Segment): Promise<Buffer | null> {
  const left = durable.bytes - drained.bytes;
  const handle = await openExisting(file);
  if (handle === null) return null;
  try {
    for (let size = bytesAtOnce; ; size *= 2) {
      const content = Buffer.alloc(Math.min(size, left));
      const { bytesRead } = await handle.read(content, 0, content.length, drained.bytes);
      const end = content.lastIndexOf(lineFeed) + 1;
      if (end > 0) return content.subarray(0, end);
      if (bytesRead < content.length || size >= left) return null;
    }
  } finally {
    await handle.close();
  }
}

async function openExisting(file: string): Promise<FileHandle | null> {
  try {
    return await open(file);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener("abort", done);
  });
}
