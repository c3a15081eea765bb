import { open, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { type DocumentIssue, PolicyError, type SourceFile } from "../../core/policy/document-error.ts";
import { type LoadOptions, loadPolicySet, policyFileKind } from "../../core/policy/load.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { displayPath } from "../../core/policy/relative-path.ts";
import { largestFile } from "../../core/policy/yaml-document.ts";
import { fileErrorReason } from "../file-error.ts";

/**
 * Reads and loads a policy directory, with its sub-directories.
 * @throws PolicyError (`invalid-policy`) with everything that is wrong; the set loads whole or not at all
 */
export async function loadPolicyDirectory(directory: string, options: LoadOptions = {}): Promise<PolicySet> {
  const files = await readPolicyDirectory(directory, options.directory);
  return loadPolicySet(files, { directory, ...options });
}

/**
 * Every policy, policy test and calendar of a directory; paths are relative to it. Links are followed as long as they
 * stay inside (Kubernetes mounts a ConfigMap as links into `..data`). `shownAs`: what messages call the directory.
 * @throws PolicyError where a file that should be read cannot be
 */
export async function readPolicyDirectory(directory: string, shownAs = directory): Promise<SourceFile[]> {
  const issues: DocumentIssue[] = [];
  const report = (file: string, message: string) => {
    issues.push({ path: file === "" ? shownAs : displayPath(shownAs, file), line: 1, column: 1, key: null, message });
  };
  const root = await attempt(
    () => realpath(directory),
    (reason) => report("", reason),
  );
  const files = root === null ? [] : await readFolder(root, "", new Set([root]), report);
  if (issues.length > 0) throw new PolicyError(issues);
  return files;
}

type Report = (file: string, message: string) => void;

async function readFolder(root: string, folder: string, visited: Set<string>, report: Report): Promise<SourceFile[]> {
  const names = await attempt(
    () => readdir(path.join(root, folder)),
    (reason) => report(folder, reason),
  );
  const files: SourceFile[] = [];
  for (const name of (names ?? []).sort()) {
    const file = folder === "" ? name : `${folder}/${name}`;
    if (name.startsWith(".")) continue;
    const wanted = policyFileKind(file) !== "other";
    const entry = await attempt(
      () => resolveEntry(path.join(root, file)),
      (reason) => wanted && report(file, reason),
    );
    if (entry === null) continue;
    if (entry.kind === "other" && !wanted) continue;
    if (entry.target !== root && !entry.target.startsWith(root + path.sep)) {
      if (wanted || entry.kind === "folder") report(file, "this link leads out of the policy directory");
    } else if (entry.kind === "folder") {
      if (visited.has(entry.target)) continue;
      visited.add(entry.target);
      files.push(...(await readFolder(root, file, visited, report)));
    } else if (wanted && entry.kind === "file") {
      const content = await attempt(
        () => readStart(entry.target),
        (reason) => report(file, reason),
      );
      if (content !== null) files.push({ path: file, content });
    } else if (wanted) report(file, "this is not a regular file");
  }
  return files;
}

async function resolveEntry(file: string): Promise<{ kind: "file" | "folder" | "other"; target: string }> {
  const target = await realpath(file);
  const stats = await stat(target);
  return { kind: stats.isDirectory() ? "folder" : stats.isFile() ? "file" : "other", target };
}

/** As much of the file as it takes for the loader to see that it is too large. */
async function readStart(file: string): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.alloc(Math.min((await handle.stat()).size, largestFile) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } finally {
    await handle.close();
  }
}

/** The result, or null where the file system refuses, with the reason told. */
async function attempt<T>(work: () => Promise<T>, tell: (reason: string) => unknown): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const reason = fileErrorReason(error);
    if (reason === null) throw error;
    tell(reason);
    return null;
  }
}
