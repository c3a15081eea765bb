import { imageDigestOf, type PassClaims } from "../pass.ts";
import { globMatches } from "../policy/match.ts";
import {
  type Container,
  commitAnnotation,
  migrationsAnnotation,
  passAnnotation,
  serviceLabel,
  type Workload,
} from "./workload.ts";

/** The pass that a workload carries, as its signature and times are; null: it carries none. */
export type CarriedPass = { claims: PassClaims; problem: null } | { claims: null; problem: string } | null;

/** What keeps the pass from admitting the workload, each a sentence; empty: nothing. */
export function passProblems(
  workload: Workload,
  pass: CarriedPass,
  environment: string,
  sidecars: readonly string[],
): string[] {
  if (pass === null) return [`It carries no pass (annotation ${passAnnotation}).`];
  if (pass.claims === null) return [`Its pass does not count: ${pass.problem}.`];
  const { claims } = pass;
  return [
    ...disagreement(`the service (label ${serviceLabel})`, claims.sub, workload.service),
    ...disagreement("the environment", claims.env, environment),
    ...disagreement(`the commit (annotation ${commitAnnotation})`, claims.commit, workload.commit),
    ...migrationsProblem(claims, workload),
    ...imageProblems(claims, workload.containers, sidecars),
  ];
}

function disagreement(what: string, approved: string | null, actual: string | null): string[] {
  if (approved === actual) return [];
  const named = approved === null ? "names none" : `is for ${shown(approved)}`;
  return [`${capital(what)} is ${shown(actual)}, and its pass ${named}.`];
}

function migrationsProblem({ migrations }: PassClaims, workload: Workload): string[] {
  const same =
    migrations.length === workload.migrations.length &&
    migrations.every((sha256, index) => sha256 === workload.migrations[index]);
  if (same) return [];
  return [
    `The migrations (annotation ${migrationsAnnotation}) are not those of its pass: ${list(workload.migrations)} instead of ${list(migrations)}.`,
  ];
}

const mostNamed = 5;

function imageProblems(
  { images }: PassClaims,
  containers: readonly Container[],
  sidecars: readonly string[],
): string[] {
  const known = new Set(images);
  const problems = containers.flatMap((container) => imageProblem(container, known, sidecars) ?? []);
  if (problems.length <= mostNamed) return problems;
  return [...problems.slice(0, mostNamed), `${problems.length - mostNamed} more images are not in its pass.`];
}

function imageProblem({ name, image, role }: Container, known: ReadonlySet<string>, sidecars: readonly string[]) {
  if (sidecars.some((glob) => globMatches(glob, image))) return null;
  const digest = imageDigestOf(image);
  if (digest !== null && known.has(digest)) return null;
  const which = `The image of the ${role} ${shown(name)}, ${shown(image)},`;
  return digest === null ? `${which} is not named by its digest (image@sha256:…).` : `${which} is not in its pass.`;
}

function shown(text: string | null): string {
  return text === null ? "missing" : JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

function list(sha256s: readonly string[]): string {
  return sha256s.length === 0
    ? "none"
    : sha256s
        .slice(0, 3)
        .map((sha256) => `${sha256.slice(0, 12)}…`)
        .join(", ");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
