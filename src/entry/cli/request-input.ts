import { readTextFile } from "../../adapters/input-files.ts";
import { withFields } from "../../app/check.ts";
import type { ReceivedBundle } from "../../app/ports.ts";
import { receiveEvidence } from "../../app/received-evidence.ts";
import { parseJson } from "../../core/json.ts";
import type { CheckOptions } from "./check-options.ts";
import type { CommandIo } from "./io.ts";
import { readMigrations } from "./migration-files.ts";

/** Files and flags → the request's JSON, and evidence from files of its own. */
export async function readRequestInput(
  files: readonly string[],
  options: CheckOptions,
  io: CommandIo,
): Promise<{ raw: unknown; bundles: ReceivedBundle[] }> {
  const file = options.request;
  const base = file === undefined ? {} : parseJson(await readTextFile(file, io.cwd), file);
  const raw = withFields(base, {
    environment: options.environment,
    service: options.service,
    database: options.database,
    commit: options.commit,
    images: options.image.length === 0 ? undefined : options.image,
    description: options.description,
    requestedBy: options.requestedBy,
    aiAssisted: options.aiAssisted,
    migrationFormat: options.migrationFormat,
    expectedDuration: options.duration,
    migrations: files.length === 0 ? undefined : await readMigrations(files, io),
    approvals: options.approval.length === 0 ? undefined : options.approval.map(approval),
    overrides: options.override.length === 0 ? undefined : options.override,
  });
  const bundles: ReceivedBundle[] = [];
  for (const name of options.evidence) {
    const json = parseJson(await readTextFile(name, io.cwd), name);
    bundles.push(...receiveEvidence(json, name));
  }
  return { raw, bundles };
}

/** A JWS is three base64url parts, the first of which is a JSON object; everything else is a person's name. */
function approval(text: string): unknown {
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(text) ? text : { by: text, of: "query-plans" };
}
