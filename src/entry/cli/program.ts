import { CommanderError } from "commander";
import { version } from "../../../package.json";
import { PlangateError } from "../../core/errors.ts";
import { printableLines } from "../../output/printable.ts";
import { type CommandModule, newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";

interface CommandEntry {
  name: string;
  summary: string;
  /** Loaded only when it runs, so that `check` never pays for the HTTP server. */
  load(): Promise<CommandModule>;
}

const commands: readonly CommandEntry[] = [
  {
    name: "check",
    summary: "Decide on a deploy request offline, as the gate would; nothing is recorded.",
    load: () => import("./check.ts"),
  },
  {
    name: "request",
    summary: "Ask a running gate to decide on a deploy request; for pipelines.",
    load: () => import("./request.ts"),
  },
  {
    name: "windows",
    summary: "Show whether a deploy may start, and the next intervals in which it may.",
    load: () => import("./windows.ts"),
  },
  {
    name: "evidence",
    summary: "Make, sign, verify and push evidence bundles.",
    load: () => import("./evidence.ts"),
  },
  {
    name: "override",
    summary: "Make and check override tokens: signed, short-lived waivers of named rules for one request.",
    load: () => import("./override.ts"),
  },
  {
    name: "approve",
    summary: "Sign that you have looked at the query plans of one exact request.",
    load: () => import("./approve.ts"),
  },
  {
    name: "serve",
    summary: "Run the gate: an HTTP API with a database that it brings along.",
    load: () => import("./serve.ts"),
  },
  {
    name: "audit",
    summary: "Export the audit record and verify that nobody has changed it.",
    load: () => import("./audit.ts"),
  },
  {
    name: "migrate",
    summary: "Make or update the schema of the gate's own database, as its owner.",
    load: () => import("./migrate.ts"),
  },
  {
    name: "policy",
    summary: "Check and unit-test policies; print their JSON Schema and the rule reference.",
    load: () => import("./policy.ts"),
  },
];

/** Runs one command line. The exit code is 1 unless a command ran to its end, so nothing that goes wrong looks like an approval. */
export async function runProgram(argv: readonly string[], io: CommandIo): Promise<void> {
  io.setExitCode(1);
  let exitCode = 0;
  const commandIo: CommandIo = { ...io, setExitCode: (code) => (exitCode = code) };
  try {
    const program = await buildProgram(argv, commandIo);
    await program.parseAsync([...argv], { from: "user" });
    io.setExitCode(exitCode);
  } catch (error) {
    io.setExitCode(reportError(error, argv, io));
  }
}

async function buildProgram(argv: readonly string[], io: CommandIo) {
  const program = newCommand(io, {
    name: "plangate",
    summary: "Approve or reject deploy requests by your policies: change windows, index usage, query plans.",
    examples: [
      "plangate check migrations/0042.sql --policies policies --environment production --service orders",
      "plangate windows --policies policies --environment production --service orders",
    ],
  }).version(version, "-V, --version", "print the version");
  const wanted = argv.find((argument) => !argument.startsWith("-"));
  for (const entry of commands) {
    const loaded = entry.name === wanted ? (await entry.load()).build(io) : newCommand(io, entry);
    program.addCommand(loaded);
  }
  return program;
}

/** Prints an error as a person wants it and returns the exit code. */
export function reportError(error: unknown, argv: readonly string[], io: CommandIo): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
  const debug = argv.includes("--debug") || (io.env.PLANGATE_DEBUG ?? "") !== "";
  const expected = error instanceof PlangateError ? "" : "unexpected error: ";
  const message = error instanceof Error ? error.message : String(error);
  io.stderr(`plangate: ${expected}${printableLines(message).join("\n")}\n`);
  if (debug) io.stderr(`${stackWithCauses(error)}\n`);
  else if (!(error instanceof PlangateError)) io.stderr("Run it again with --debug to see where it happened.\n");
  return 1;
}

function stackWithCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackWithCauses(error.cause)}`;
}
