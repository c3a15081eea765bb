import { imageDigestOf, type PassClaims } from "../pass.ts";
import { globMatches } from "../policy/match.ts";
import { commitAnnotation, migrationsAnnotation, passAnnotation, serviceLabel, type Workload } from "./workload.ts";

/** The pass that a workload carries, as its signature and times are; null: it carries none. */
export type CarriedPass = { claims: PassClaims; problem: null } | { claims: null; problem: string } | null;

/** What stands in the way, as a sentence, and what the reader does next. */
export interface AdmissionProblem {
  message: string;
  help: string | null;
}

/** What keeps the pass from admitting the workload; empty: nothing. */
export function passProblems(
  workload: Workload,
  pass: CarriedPass,
  environment: string,
  sidecars: readonly string[],
): AdmissionProblem[] {
  const { kind, service, commit } = workload;
  const help = `Get an approval (${requestCommand(service, environment)}) and put the annotations that it writes on the ${kind}.`;
  if (pass === null) return [{ message: `It carries no pass (annotation ${passAnnotation}).`, help }];
  if (pass.claims === null) return [{ message: `Its pass does not count: ${pass.problem}.`, help }];
  const { claims } = pass;
  const label = `Set the label ${serviceLabel}=${claims.sub} on the ${kind}.`;
  const together = `Put all annotations of one pass file on the ${kind}; commit and migrations come with the pass.`;
  return [
    ...disagreement(`the service (label ${serviceLabel})`, claims.sub, service, service === null ? label : help),
    ...disagreement("the environment", claims.env, environment, help),
    ...disagreement(`the commit (annotation ${commitAnnotation})`, claims.commit, commit, together),
    ...migrationsProblem(claims, workload, together),
    ...imageProblems(claims, workload, environment, sidecars),
  ];
}

function requestCommand(service: string | null, environment: string, image = ""): string {
  return `plangate request --service ${service ?? "SERVICE"} --environment ${environment} …${image} --pass-file pass.yaml`;
}

function disagreement(what: string, approved: string | null, actual: string | null, help: string): AdmissionProblem[] {
  if (approved === actual) return [];
  const named = approved === null ? "names none" : `is for ${shown(approved)}`;
  return [{ message: `${capital(what)} is ${shown(actual)}, and its pass ${named}.`, help }];
}

function migrationsProblem({ migrations }: PassClaims, workload: Workload, help: string): AdmissionProblem[] {
  const same =
    migrations.length === workload.migrations.length &&
    migrations.every((sha256, index) => sha256 === workload.migrations[index]);
  if (same) return [];
  const message = `The migrations (annotation ${migrationsAnnotation}) are not those of its pass: ${list(workload.migrations)} instead of ${list(migrations)}.`;
  return [{ message, help }];
}

const mostNamed = 5;

function imageProblems(
  { images }: PassClaims,
  { kind, service, containers }: Workload,
  environment: string,
  sidecars: readonly string[],
): AdmissionProblem[] {
  const known = new Set(images);
  const problems = containers
    .filter(({ image }) => !sidecars.some((glob) => globMatches(glob, image)))
    .flatMap(({ name, image, role }) => {
      const digest = imageDigestOf(image);
      if (digest !== null && known.has(digest)) return [];
      const which = `The image of the ${role} ${shown(name)}, ${shown(image)},`;
      const command = requestCommand(service, environment, " --image IMAGE@sha256:…");
      return digest === null
        ? {
            message: `${which} is not named by its digest (image@sha256:…).`,
            help: `Name it by its digest on the ${kind} and in the deploy request (${command}).`,
          }
        : {
            message: `${which} is not in its pass.`,
            help: `Get an approval that names it (${command}).`,
          };
    });
  if (problems.length <= mostNamed) return problems;
  const shownOnes = problems.slice(0, mostNamed);
  const message = `${problems.length - mostNamed} more images are not in its pass.`;
  return [...shownOnes, { message, help: shownOnes.at(-1)?.help ?? null }];
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
