import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { DocumentPath } from "../../core/policy/yaml-document.ts";
import { displayableName, duration } from "../../core/values.ts";
import { fileErrorReason } from "../file-error.ts";

const name = displayableName.min(1).max(200);
const identifierForm =
  'a system identifier is a number in quotes: "7412345678901234567"; SELECT system_identifier FROM pg_control_system() shows it';

export const databasesSchema = z
  .array(
    z.strictObject({
      name: name.describe("What requests call `database`."),
      systemIdentifier: z
        .string(identifierForm)
        .regex(/^[0-9]{1,20}$/, identifierForm)
        .optional()
        .describe(
          "The cluster's system identifier: evidence of any other cluster is refused. Absent: the nodes need only agree.",
        ),
      nodes: z
        .array(
          z.strictObject({
            name: name.describe("What policies and evidence call the server."),
            urlEnv: z.string().min(1).optional().describe("Environment variable that holds the postgres:// URL."),
            urlFile: z
              .string()
              .min(1)
              .optional()
              .describe("File that holds the URL, relative to this file. Read again each time, so secrets may rotate."),
          }),
        )
        .min(1)
        .max(100)
        .describe("Every server of the cluster that answers queries: the primary and its standbys."),
      refreshEvery: duration
        .prefault("15m")
        .describe("How old what was read may be before the servers are read again; from 10s to 24h."),
    }),
  )
  .default([])
  .describe("Databases whose servers the gate reads itself.");

export interface DatabaseNodeConfig {
  name: string;
  /** postgres:// URL as it was at the start. It may hold a password: never print it. */
  url: string;
  /** The URL is in this file; null: it came from the environment. */
  urlFile: string | null;
}

export interface DatabaseConfig {
  name: string;
  /** null: not given. */
  systemIdentifier: string | null;
  nodes: readonly DatabaseNodeConfig[];
  refreshEveryMs: number;
}

const shortestRefreshMs = 10_000;
const longestRefreshMs = 86_400_000;

/** Messages never hold a URL: it may hold a password. */
export function databasesOf(
  given: z.output<typeof databasesSchema>,
  directory: string,
  env: NodeJS.ProcessEnv,
  report: (at: DocumentPath, message: string) => void,
): ReadonlyMap<string, DatabaseConfig> {
  const databases = new Map<string, DatabaseConfig>();
  for (const [index, { name, systemIdentifier = null, nodes, refreshEvery }] of given.entries()) {
    const at = ["databases", index] as const;
    if (databases.has(name)) report([...at, "name"], "another database has the same name");
    if (refreshEvery < shortestRefreshMs || refreshEvery > longestRefreshMs) {
      report([...at, "refreshEvery"], "must be from 10s to 24h");
    }
    const known: DatabaseNodeConfig[] = [];
    for (const [position, node] of nodes.entries()) {
      const atNode = [...at, "nodes", position];
      if (known.some((other) => other.name === node.name)) {
        report([...atNode, "name"], "another node has the same name");
      }
      const read = urlOf(node, directory, env, atNode, report);
      if (read === null) continue;
      const twin = known.find(({ url }) => url === read.url);
      if (twin !== undefined) report(atNode, `has the same URL as ${twin.name}: they are one server`);
      known.push({ name: node.name, ...read });
    }
    databases.set(name, { name, systemIdentifier, nodes: known, refreshEveryMs: refreshEvery });
  }
  return databases;
}

function urlOf(
  { urlEnv, urlFile }: { urlEnv?: string | undefined; urlFile?: string | undefined },
  directory: string,
  env: NodeJS.ProcessEnv,
  at: DocumentPath,
  report: (at: DocumentPath, message: string) => void,
): { url: string; urlFile: string | null } | null {
  if ((urlEnv === undefined) === (urlFile === undefined)) {
    report(at, "set either `urlEnv` or `urlFile`");
    return null;
  }
  if (urlEnv !== undefined) {
    const url = env[urlEnv] ?? "";
    const problem = url === "" ? "is not set or empty" : urlProblem(url);
    if (problem === null) return { url, urlFile: null };
    report([...at, "urlEnv"], `the environment variable ${urlEnv} ${problem}`);
    return null;
  }
  const file = path.resolve(directory, urlFile ?? "");
  const read = readUrlFile(file);
  if ("url" in read) return { url: read.url, urlFile: file };
  report([...at, "urlFile"], read.problem);
  return null;
}

/** A file with one postgres:// URL; white space around it does not count. `problem` does not repeat what the file holds. */
export function readUrlFile(file: string): { url: string } | { problem: string } {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    const reason = fileErrorReason(error);
    if (reason === null) throw error;
    return { problem: `${file}: ${reason}` };
  }
  const problem = text === "" ? "is empty" : urlProblem(text);
  return problem === null ? { url: text } : { problem: `the file ${file} ${problem}` };
}

function urlProblem(text: string): string | null {
  if (URL.canParse(text) && ["postgres:", "postgresql:"].includes(new URL(text).protocol)) return null;
  return "must hold a URL such as postgres://user@host:5432/database";
}
