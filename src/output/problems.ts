import type { SourceLocation } from "../core/values.ts";
import { command } from "./github.ts";
import { paragraph } from "./printable.ts";
import { artifactLocation, plainMessage } from "./sarif.ts";

/** Something to say about a line of a file, where there is no decision: a broken policy, a policy test that failed. */
export interface Problem {
  level: "error" | "warning";
  /** Kebab-case: "invalid-policy", "policy-test". */
  ruleId: string;
  location: SourceLocation;
  message: string;
}

/** `rules`: what each ruleId means, in a sentence. */
export function problemsSarif(
  problems: readonly Problem[],
  { toolVersion, rules }: { toolVersion: string; rules: ReadonlyMap<string, string> },
): string {
  const ids = [...rules.keys()];
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "plangate",
            version: toolVersion,
            semanticVersion: toolVersion,
            rules: [...rules].map(([id, text]) => ({ id, shortDescription: { text } })),
          },
        },
        results: problems.map(({ level, ruleId, location: { path, line, column }, message }) => ({
          ruleId,
          ruleIndex: ids.indexOf(ruleId),
          level,
          message: { text: plainMessage(message) },
          locations: [
            {
              physicalLocation: {
                artifactLocation: artifactLocation(path),
                region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) },
              },
            },
          ],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

/** Annotations of GitHub Actions, then a notice with the result. */
export function problemsGithub(problems: readonly Problem[], result: string): string {
  const annotations = problems.map(({ level, ruleId, location: { path, line, column }, message }) =>
    command(
      level,
      {
        file: path,
        line: String(line),
        ...(column === undefined ? {} : { col: String(column) }),
        title: `plangate ${ruleId}`,
      },
      paragraph(message),
    ),
  );
  return `${[...annotations, command("notice", { title: "plangate" }, paragraph(result))].join("\n")}\n`;
}
