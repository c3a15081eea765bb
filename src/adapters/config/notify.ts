import { z } from "zod";
import type { DocumentPath } from "../../core/policy/yaml-document.ts";
import { parseSecret } from "../callers/secret.ts";
import type { NotifyTarget } from "../notify/target.ts";
import { outgoingUrlProblem } from "../outgoing/url-problem.ts";

const nameForm = 'a name is 1 to 100 letters, digits, ".", "_" and "-"';

export const notifySchema = z
  .array(
    z.strictObject({
      name: z
        .string(nameForm)
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, nameForm)
        .describe("The webhook, as logs and the gate's memory of what was told call it."),
      url: z.string().min(1).optional().describe("https:// URL that gets a POST for each event."),
      urlEnv: z.string().min(1).optional().describe("Environment variable that holds the URL; Slack's are secrets."),
      secret: z
        .string()
        .min(1)
        .optional()
        .describe("Environment variable with the Standard Webhooks secret that signs; needed for `json`."),
      events: z
        .array(z.enum(["override-used"]))
        .min(1)
        .describe("What it is told: `override-used`."),
      format: z
        .enum(["json", "slack"])
        .default("json")
        .describe("`json`, signed; `slack`: an incoming webhook's text."),
    }),
  )
  .default([])
  .describe("Webhooks that are told about overrides, each at least once.");

type Given = z.output<typeof notifySchema>[number];
type Report = (at: DocumentPath, message: string) => void;

/** Messages hold neither URLs nor secrets. */
export function notifyOf(given: readonly Given[], env: NodeJS.ProcessEnv, report: Report): NotifyTarget[] {
  return given.flatMap((entry, index) => {
    const at = ["notify", index];
    const { name, format } = entry;
    if (given.findIndex((other) => other.name === name) !== index) {
      report([...at, "name"], "another webhook has the same name");
    }
    const url = urlOf(entry, env, at, report);
    const key = keyOf(entry, env, at, report);
    return url === null ? [] : [{ name, url, key, format }];
  });
}

function urlOf({ url, urlEnv }: Given, env: NodeJS.ProcessEnv, at: DocumentPath, report: Report): string | null {
  if ((url === undefined) === (urlEnv === undefined)) {
    report(at, "set either `url` or `urlEnv`");
    return null;
  }
  const key = url === undefined ? "urlEnv" : "url";
  const value = url ?? env[urlEnv ?? ""] ?? "";
  const problem =
    value === ""
      ? `the environment variable ${urlEnv ?? ""} is not set or empty`
      : outgoingUrlProblem(value, "https://hooks.example.com/plangate");
  if (problem === null) return value;
  report([...at, key], problem);
  return null;
}

function keyOf({ secret, format }: Given, env: NodeJS.ProcessEnv, at: DocumentPath, report: Report): Buffer | null {
  if (secret === undefined) {
    if (format === "json") report(at, "`json` is signed: set `secret` to the name of an environment variable");
    return null;
  }
  const key = parseSecret(env[secret] ?? "");
  if (typeof key !== "string") return key;
  report([...at, "secret"], `the environment variable ${secret} ${env[secret] === undefined ? "is not set" : key}`);
  return null;
}
