import { fstatSync, writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { PlangateError } from "../../core/errors.ts";
import { systemErrorCode } from "../input-files.ts";
import { openCut, type Segment, type Segments } from "./segments.ts";
import type { OnSpoolEvent } from "./spool-event.ts";

/** One call after the other, never two at once. */
export interface Appender {
  /** All lines are durable when it returns. When it throws, none of them is in the spool. No lines: finds out whether there is a file for some. */
  append(lines: readonly Buffer[]): Promise<void>;
  close(): Promise<void>;
}

export interface AppenderOptions {
  segments: Segments;
  /** From there on a segment is not appended to. */
  segmentBytes: number;
  onEvent: OnSpoolEvent;
}

interface Open {
  segment: Segment;
  handle: FileHandle;
}

export function segmentAppender({ segments, segmentBytes, onEvent }: AppenderOptions): Appender {
  let current: Open | null = null;
  /** Where a write has failed, and what it left must be cut off before anything else is written. */
  let broken: Segment | null = null;

  const writable = async (): Promise<Open> => {
    if (broken !== null) await mend(broken);
    current ??= await segments.create();
    return current;
  };
  const takeBack = async ({ segment, handle }: Open) => {
    current = null;
    broken = segment;
    await letGo(handle);
    await mend(segment).catch(() => null); // Tried again before the next line is written.
  };
  /** By the file's name: a handle that has failed may be of no use any more. */
  const mend = async (segment: Segment) => {
    try {
      current = { segment, handle: await openCut(segment.file, segment.durable.bytes) };
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      segments.forget(segment);
      const records = segment.durable.records - segment.drained.records;
      if (records > 0) onEvent({ kind: "lost", file: basename(segment.file), records });
    }
    broken = null;
  };
  const seal = async ({ segment, handle }: Open) => {
    current = null;
    segment.sealed = true;
    await letGo(handle);
  };
  return {
    async append(lines) {
      const open = await writable();
      if (lines.length === 0) return;
      try {
        await writeLines(open, lines);
      } catch (error) {
        await takeBack(open);
        throw error;
      }
      if (open.segment.durable.bytes >= segmentBytes) await seal(open);
    },
    async close() {
      if (broken !== null) await mend(broken).catch(() => null); // For the last time.
      if (current !== null) await seal(current);
    },
  };
}

async function writeLines({ segment, handle }: Open, lines: readonly Buffer[]): Promise<void> {
  const content = Buffer.concat(lines);
  const { bytes, records } = segment.durable;
  writeAt(handle, content, bytes);
  await handle.datasync();
  if (fstatSync(handle.fd).nlink === 0) throw new PlangateError("spool-removed", `${segment.file} was removed`);
  segment.durable = { bytes: bytes + content.length, records: records + lines.length };
}

/**
 * At a position, so that a write that is tried again begins where the first did. Into the system's memory, which takes microseconds: an
 * asynchronous one would wait for its turn behind the requests that are being answered.
 */
export function writeAt({ fd }: FileHandle, content: Buffer, position: number): void {
  for (let done = 0; done < content.length; ) {
    done += writeSync(fd, content, done, content.length - done, position + done);
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
