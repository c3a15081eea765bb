/** Texts of a request that can be kept out of the store; `[]`: of each element. */
export const maskablePaths = [
  "commits[].message",
  "description",
  "migrations[].sql",
  "pipeline.runId",
  "pipeline.url",
] as const;
export type MaskablePath = (typeof maskablePaths)[number];

const mask = "[masked]";

/**
 * What nobody means to publish, wherever it stands: signed tokens (RFC 7515), webhook secrets, tokens of code hosts, passwords in URLs, PEM
 * private keys. Each takes time in proportion to the text, however hostile.
 */
const secrets: readonly [RegExp, string][] = [
  [/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+/g, mask],
  [/\bwhsec_[A-Za-z0-9+/=_-]{8,}/g, mask],
  [/\b((?:gh[pousr]|glpat|github_pat)[_-])[A-Za-z0-9_-]{16,}/g, `$1${mask}`],
  [/(\/\/[^/\s:@'"]{0,200}:)[^/\s@'"]{1,500}@/g, `$1${mask}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/g, mask],
];

export interface Masked<T> {
  value: T;
  /** Where something was masked: "migrations[0].sql". */
  paths: string[];
}

/** A copy without secrets and without the texts at `configured`. Only texts change, so what has a form keeps it. */
export function maskSecrets<T extends object>(value: T, configured: readonly MaskablePath[]): Masked<T> {
  const hidden = new Set<string>(configured);
  const paths: string[] = [];
  const visit = (part: unknown, path: string, pattern: string): unknown => {
    if (typeof part === "string") {
      const masked = hidden.has(pattern) ? mask : withoutSecrets(part);
      if (masked !== part) paths.push(path);
      return masked;
    }
    if (Array.isArray(part)) return part.map((element, index) => visit(element, `${path}[${index}]`, `${pattern}[]`));
    if (typeof part !== "object" || part === null) return part;
    const under = (key: string, parent: string) => (parent === "" ? key : `${parent}.${key}`);
    return Object.fromEntries(
      Object.entries(part).map(([key, element]) => [key, visit(element, under(key, path), under(key, pattern))]),
    );
  };
  // The same keys with the same kinds of values.
  return { value: visit(value, "", "") as T, paths };
}

function withoutSecrets(text: string): string {
  return secrets.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}
