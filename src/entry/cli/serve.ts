import { existsSync } from "node:fs";
import path from "node:path";
import { InvalidArgumentError } from "commander";
import { version } from "../../../package.json";
import { defaultConfig, type GateConfig, loadConfigFile } from "../../adapters/config/config.ts";
import { loadGateKeys } from "../../adapters/gate-keys.ts";
import { parseTlsMaterial, readTlsFiles } from "../../adapters/tls/tls-material.ts";
import { newLog } from "../http/log.ts";
import { type RunningGate, startGate } from "../http/start-gate.ts";
import { type CommandModule, newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { readPolicies } from "./settings.ts";

interface ServeOptions {
  config?: string;
  policies?: string;
  port?: number;
  dataDir?: string;
  example?: string;
  checkConfig?: true;
}

/** More than the longest request takes. */
const shutdownMs = 60_000;
/** One Ctrl-C can arrive twice: from the terminal, and passed on by npm. */
const sameSignalMs = 300;

export const build: CommandModule["build"] = (io) =>
  newCommand(io, {
    name: "serve",
    summary: "Run the gate: an HTTP API with a database that it brings along.",
    examples: [
      "plangate serve --policies policies",
      "plangate serve --config plangate.yaml --port 8484",
      "plangate serve --config plangate.yaml --check-config",
    ],
  })
    .option("--config <file>", "configuration; default: plangate.yaml in this directory, if there is one")
    .option("--policies <directory>", "policy directory")
    .option("--port <number>", "port to listen on; 0: any free one", parsePort)
    .option("--data-dir <directory>", "directory of the embedded database")
    .option("--check-config", "read configuration, secrets and policies, say what is wrong, and exit")
    .option("--example <file>", "print a command that sends this deploy request to the gate")
    .action((options: ServeOptions) => serve(options, io));

async function serve(options: ServeOptions, io: CommandIo): Promise<void> {
  const config = withOptions(readConfig(options, io), options, io.cwd);
  if (options.checkConfig === true) {
    const { policies } = await readPolicies(config.policies.directory, config, io, io.now());
    if (config.keys.length > 0) await loadGateKeys(config.keys, config.gate.dataDir);
    const tls = config.listen.admission?.tls;
    if (tls !== undefined) parseTlsMaterial(await readTlsFiles(tls), tls);
    io.stdout(
      `The configuration is valid. Policies: ${policies.map(({ id }) => id).join(", ")}. Nothing was started.\n`,
    );
    return;
  }
  const log = newLog();
  // Where it is process 1 of a container, nothing else ends it while it waits for its database. What admission has answered is on disk.
  const endNow = () => process.exit(1);
  process.on("SIGTERM", endNow);
  const gate = await startGate(config, {
    clock: { now: () => io.now() },
    log,
    timeZoneDatabase: process.versions.tz ?? "unknown",
    ...configFileOf(options, io),
    onFirstStart: () =>
      io.stderr(`Making the embedded database in ${config.gate.dataDir} (once; this takes some seconds)\n`),
  });
  process.off("SIGTERM", endNow);
  const stopped = untilStopped(gate);
  const example = options.example === undefined ? "" : exampleMessage(gate.url, options.example);
  io.stdout(startMessage(gate, config) + example);
  await stopped;
  log.info("stopped");
}

function readConfig(options: ServeOptions, io: CommandIo): GateConfig {
  const { configFile } = configFileOf(options, io);
  return configFile === undefined ? defaultConfig(io.cwd) : loadConfigFile(configFile, io.env);
}

/** The named plangate.yaml, or that of the working directory, if there is one. */
function configFileOf({ config }: ServeOptions, { cwd }: CommandIo): { configFile?: string } {
  const configFile = path.resolve(cwd, config ?? "plangate.yaml");
  return config !== undefined || existsSync(configFile) ? { configFile } : {};
}

function withOptions(config: GateConfig, { policies, port, dataDir }: ServeOptions, cwd: string): GateConfig {
  const { api } = config.listen;
  const directory = policies === undefined ? config.policies.directory : path.resolve(cwd, policies);
  return {
    ...config,
    gate: { ...config.gate, dataDir: dataDir === undefined ? config.gate.dataDir : path.resolve(cwd, dataDir) },
    listen: { ...config.listen, api: { ...api, port: port ?? api.port } },
    policies: { ...config.policies, directory },
  };
}

function parsePort(text: string): number {
  if (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("A port is a whole number from 0 to 65535.");
}

function startMessage(
  { url, metricsUrl, admissionUrl, policies }: RunningGate,
  { gate, database, databases, callers, policies: { directory } }: GateConfig,
) {
  const read = [...databases.values()].map(
    ({ name, nodes }) => `${name} (${nodes.map((node) => node.name).join(", ")})`,
  );
  const lines = [
    `plangate ${version} listens on ${url}`,
    `  policies  ${policies.policies.map(({ id }) => id).join(", ")} (${directory})`,
    `  database  ${database === null ? `embedded PostgreSQL (${gate.dataDir})` : "PostgreSQL, by the configured URL"}`,
    ...(read.length === 0 ? [] : [`  reads     ${read.join("; ")}`]),
    `  callers   ${callers?.map(({ name }) => name).join(", ") ?? localOnly}`,
    ...(metricsUrl === null ? [] : [`  metrics   ${metricsUrl}/metrics`]),
    ...(admissionUrl === null ? [] : [`  admission ${admissionUrl}/admission/{environment}`]),
    ...policies.warnings.map(({ message, location }) => `  warning   ${location.path}:${location.line}: ${message}`),
  ];
  return `${lines.join("\n")}\n`;
}

const localOnly = "anyone on this machine; nobody authenticates, so it listens on loopback only";

function exampleMessage(url: string, file: string): string {
  const command = `curl -sS -X POST -H 'content-type: application/json' --data @${file} '${url}/v1/decisions'`;
  return `\nSend it a deploy request:\n\n  ${command}\n\n`;
}

/** Resolves when SIGTERM or SIGINT came and everything that was accepted is answered. A second signal ends the process at once. */
function untilStopped(gate: RunningGate): Promise<void> {
  return new Promise((done, fail) => {
    process.on("SIGHUP", () => {
      void gate.reloadPolicies();
      void gate.reloadRevocations();
    });
    let first: bigint | null = null;
    const onSignal = () => {
      const now = process.hrtime.bigint();
      if (first !== null) {
        if (now - first > BigInt(sameSignalMs) * 1_000_000n) process.exit(1);
        return;
      }
      first = now;
      setTimeout(() => process.exit(1), shutdownMs).unref();
      gate.stop().then(done, fail);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}
