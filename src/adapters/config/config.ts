import path from "node:path";
import { PlangateError } from "../../core/errors.ts";
import { DocumentError, type DocumentIssue } from "../../core/policy/document-error.ts";
import { parsePart } from "../../core/policy/schema-issues.ts";
import { type DocumentPath, readYamlDocument, type YamlDocument } from "../../core/policy/yaml-document.ts";
import type { MigrationFormat } from "../../core/request.ts";
import type { CallerConfig } from "../callers/caller-config.ts";
import type { EvidenceKeys } from "../evidence-signature/keys.ts";
import { readFileBytes } from "../file-error.ts";
import type { GateKeyConfig } from "../gate-keys.ts";
import type { NotifyTarget } from "../notify/target.ts";
import type { Approvers, Revoked } from "../tokens/approvers.ts";
import { type AdmissionConfig, admissionOf } from "./admission.ts";
import { approversOf, revokedOf } from "./approvers.ts";
import { type AuditConfig, auditOf, gateKeysOf } from "./audit.ts";
import { callersOf } from "./callers.ts";
import { type ConfigFile, configFileSchema } from "./config-schema.ts";
import { type DatabaseConfig, databasesOf } from "./databases.ts";
import { evidenceKeysOf } from "./evidence-keys.ts";
import { type ListenConfig, listenOf } from "./listen.ts";
import { notifyOf } from "./notify.ts";

/** plangate.yaml, checked. Paths are absolute, durations in milliseconds. */
export interface GateConfig {
  gate: { name: string; dataDir: string; publicUrl: string | null };
  listen: ListenConfig;
  /** null: embedded. The URL may hold a password: never print it. */
  database: { url: string } | null;
  policies: { directory: string; staleAfterMs: number; unmatched: "reject" | "approve" };
  services: ReadonlyMap<string, { migrationFormat: MigrationFormat | null; database: string | null }>;
  lease: { maxMs: number };
  /** Who may ask; null: anyone who reaches the gate, so that it listens on loopback only. */
  callers: readonly CallerConfig[] | null;
  /** What the gate reads itself, by the name that requests call `database`. */
  databases: ReadonlyMap<string, DatabaseConfig>;
  /** `retentionMs: null`: kept for ever. */
  evidence: { retentionMs: number | null; keys: EvidenceKeys };
  /** Who may approve query plans and override rules. */
  approvers: Approvers;
  /** Webhooks that are told about overrides. */
  notify: readonly NotifyTarget[];
  /** What the gate signs with; empty: a key that it makes itself. */
  keys: readonly GateKeyConfig[];
  audit: AuditConfig;
  /** What the Kubernetes admission webhook is told. */
  admission: AdmissionConfig;
}

/** `invalid-config`: plangate.yaml. */
export class ConfigError extends DocumentError {
  constructor(issues: readonly DocumentIssue[], options?: { cause?: unknown }) {
    super("invalid-config", "The configuration is not valid", issues, options);
  }
}

/**
 * Throws ConfigError, also where the file cannot be read. `env: null`: databases are not needed, and not looked up; `storeEnv` is where the
 * gate's own is looked up.
 */
export function loadConfigFile(
  file: string,
  env: NodeJS.ProcessEnv | null,
  storeEnv: NodeJS.ProcessEnv | null = env,
): GateConfig {
  let content: Uint8Array;
  try {
    content = readFileBytes(file);
  } catch (error) {
    if (!(error instanceof PlangateError)) throw error;
    throw new ConfigError([{ path: file, line: 1, column: 1, key: null, message: error.message }], { cause: error });
  }
  return loadConfig(content, file, env, storeEnv);
}

/**
 * The text of a plangate.yaml → configuration. Relative paths in it start at the file's directory.
 * @throws ConfigError (`invalid-config`) with everything that is wrong and where
 */
export function loadConfig(
  content: Uint8Array | string,
  file: string,
  env: NodeJS.ProcessEnv | null,
  storeEnv: NodeJS.ProcessEnv | null = env,
): GateConfig {
  const { document, issues, data } = parseConfig(content, file);
  const config = buildConfig(data, path.dirname(path.resolve(file)), env, storeEnv, (at, message) => {
    issues.push(document.issue(at, "value", message));
  });
  issues.push(...sameServices(data, document));
  if (issues.length > 0) throw new ConfigError(issues);
  return config;
}

/**
 * `revoked` of a plangate.yaml that must be of the documented form as a whole: a misspelt key must not leave what it holds in force.
 * Throws ConfigError.
 */
export function loadRevoked(content: Uint8Array, file: string): Revoked {
  const { issues, data } = parseConfig(content, file);
  if (issues.length > 0) throw new ConfigError(issues);
  return revokedOf(data.revoked);
}

/** Throws ConfigError where there are no data at all; `issues` is what is wrong beside that. */
function parseConfig(content: Uint8Array | string, file: string) {
  const { document, issues } = readYamlDocument({ path: file, content });
  if (document === null) throw new ConfigError(issues);
  const parsed = parsePart(configFileSchema, document, [], document.value);
  issues.push(...parsed.issues);
  if (parsed.data === null) throw new ConfigError(issues);
  return { document, issues, data: parsed.data };
}

/** What holds without a plangate.yaml. */
export function defaultConfig(directory: string): GateConfig {
  return buildConfig(configFileSchema.parse({}), directory, {}, {}, (at, message) => {
    throw new TypeError(`the default of ${at.join(".")}: ${message}`);
  });
}

type Report = (at: DocumentPath, message: string) => void;

function buildConfig(
  file: ConfigFile,
  directory: string,
  env: NodeJS.ProcessEnv | null,
  storeEnv: NodeJS.ProcessEnv | null,
  report: Report,
): GateConfig {
  const { gate, listen, policies, lease, evidence } = file;
  if (lease.max === 0) report(["lease", "max"], "must be longer than 0s");
  return {
    gate: {
      name: gate.name,
      dataDir: path.resolve(directory, gate.dataDir),
      publicUrl: gate.publicUrl ?? null,
    },
    listen: listenOf(listen, directory, file.callers !== undefined, report),
    database: storeEnv === null ? null : databaseOf(file.database, storeEnv, report),
    policies: {
      directory: path.resolve(directory, policies.directory),
      staleAfterMs: policies.staleAfter,
      unmatched: policies.unmatched,
    },
    services: new Map(
      file.services.map(({ name, migrationFormat, database }) => [
        name,
        { migrationFormat: migrationFormat ?? null, database: database ?? null },
      ]),
    ),
    lease: { maxMs: lease.max },
    callers: callersOf(file.callers, env, report),
    databases: env === null ? new Map() : databasesOf(file.databases, directory, env, report),
    evidence: {
      retentionMs: evidence.retention ?? null,
      keys: evidenceKeysOf(evidence.keys, directory, report),
    },
    approvers: approversOf(file, gate.name, directory, report),
    keys: gateKeysOf(file.keys, directory, report),
    audit: auditOf(file.audit, directory, report),
    admission: admissionOf(file.admission, directory, path.resolve(directory, gate.dataDir), report),
    notify: env === null ? [] : notifyOf(file.notify, env, report),
  };
}

/** Messages never hold the URL: it may hold a password. */
function databaseOf(given: ConfigFile["database"], env: NodeJS.ProcessEnv, report: Report): { url: string } | null {
  if (given === undefined) return null;
  const { url, urlEnv } = given;
  if ((url === undefined) === (urlEnv === undefined)) {
    report(["database"], "set either `url` or `urlEnv`");
    return null;
  }
  const key = url === undefined ? "urlEnv" : "url";
  const value = url ?? env[urlEnv ?? ""] ?? "";
  if (value === "") {
    report(
      ["database", key],
      url === undefined ? `the environment variable ${urlEnv} is not set or empty` : "is empty",
    );
    return null;
  }
  if (!URL.canParse(value) || !["postgres:", "postgresql:"].includes(new URL(value).protocol)) {
    const where = url === undefined ? `the environment variable ${urlEnv}` : "the value";
    report(["database", key], `${where} must be a URL such as postgres://user@host:5432/database`);
    return null;
  }
  return { url: value };
}

function sameServices({ services }: ConfigFile, document: YamlDocument): DocumentIssue[] {
  return services.flatMap(({ name }, index) =>
    services.findIndex((other) => other.name === name) === index
      ? []
      : [document.issue(["services", index, "name"], "value", "another service has the same name")],
  );
}
