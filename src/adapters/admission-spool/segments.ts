import { type FileHandle, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { systemErrorCode } from "../input-files.ts";
import type { OnSpoolEvent } from "./spool-event.ts";

/** A file of the spool: one record a line. */
export interface Segment {
  readonly file: string;
  /** What is durable of it. What stands behind, where a write failed, was never acknowledged and is not read. */
  durable: Extent;
  /** What of it is in the store. */
  drained: Extent;
  /** Nothing is appended any more. */
  sealed: boolean;
  /** Lines that were left out when it was drained. */
  unreadable: number;
}

export interface Extent {
  bytes: number;
  records: number;
}

export interface Segments {
  /** Oldest first. */
  list(): readonly Segment[];
  /** A new one, whose name is durable. */
  create(): Promise<{ segment: Segment; handle: FileHandle }>;
  /** Deletes a segment; one with unreadable lines is kept under another name. */
  remove(segment: Segment): Promise<void>;
  /** Its file is gone. */
  forget(segment: Segment): void;
  /** What the files hold. */
  bytes(): number;
  /** What is not in the store yet. */
  backlog(): Extent;
}

const namePattern = /^admissions-(\d{12})\.ndjson(\.unreadable)?$/;
const nothing: Extent = { bytes: 0, records: 0 };
export const lineFeed = 10;

/** What an earlier process left is taken over, without the half line that it may have been writing when it was killed. */
export async function openSegments(directory: string, onEvent: OnSpoolEvent): Promise<Segments> {
  const names = (await readdir(directory)).filter((name) => namePattern.test(name)).sort();
  let last = Math.max(0, ...names.map((name) => Number(namePattern.exec(name)?.[1])));
  let segments: Segment[] = [];
  for (const name of names.filter((name) => name.endsWith(".ndjson"))) {
    const segment = await takeOver(join(directory, name), onEvent);
    if (segment !== null) segments.push(segment);
  }
  const forget = (segment: Segment) => {
    segments = segments.filter((one) => one !== segment);
  };
  return {
    list: () => segments,
    async create() {
      last += 1;
      const file = join(directory, `admissions-${String(last).padStart(12, "0")}.ndjson`);
      const segment = { file, durable: nothing, drained: nothing, sealed: false, unreadable: 0 };
      const handle = await createDurably(file, directory);
      segments = [...segments, segment];
      return { segment, handle };
    },
    async remove(segment) {
      if (segment.unreadable === 0) await rm(segment.file, { force: true });
      else await setAside(segment, onEvent);
      forget(segment);
    },
    forget,
    bytes: () => segments.reduce((sum, { durable }) => sum + durable.bytes, 0),
    backlog: () =>
      segments.reduce(
        ({ bytes, records }, { durable, drained }) => ({
          bytes: bytes + durable.bytes - drained.bytes,
          records: records + durable.records - drained.records,
        }),
        nothing,
      ),
  };
}

/** null: there is nothing in it. */
async function takeOver(file: string, onEvent: OnSpoolEvent): Promise<Segment | null> {
  const content = await readFile(file);
  const bytes = content.lastIndexOf(lineFeed) + 1;
  const torn = content.length - bytes;
  if (torn > 0) {
    await cut(file, bytes);
    onEvent({ kind: "torn", file: basename(file), bytes: torn });
  }
  if (bytes === 0) {
    await rm(file);
    return null;
  }
  return { file, durable: { bytes, records: countLines(content) }, drained: nothing, sealed: true, unreadable: 0 };
}

async function setAside({ file, unreadable }: Segment, onEvent: OnSpoolEvent): Promise<void> {
  const aside = `${file}.unreadable`;
  try {
    await rename(file, aside);
    onEvent({ kind: "unreadable", file: basename(aside), lines: unreadable });
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

function countLines(content: Buffer): number {
  let lines = 0;
  for (let at = content.indexOf(lineFeed); at !== -1; at = content.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
}

async function cut(file: string, bytes: number): Promise<void> {
  await (await openCut(file, bytes)).close();
}

/** Opens a file for writing, durably without what stands behind its first `bytes`. */
export async function openCut(file: string, bytes: number): Promise<FileHandle> {
  const handle = await open(file, "r+");
  try {
    await handle.truncate(bytes);
    await handle.sync();
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A file is found again after a crash of the machine only if its directory was flushed too (fsync(2)). */
async function createDurably(file: string, directory: string): Promise<FileHandle> {
  const handle = await open(file, "wx", 0o600);
  try {
    const folder = await open(directory);
    await folder.sync().finally(() => folder.close());
    return handle;
  } catch (error) {
    await handle.close();
    await rm(file, { force: true });
    throw error;
  }
}
