import type { Clock, EvidenceStore, ReceivedBundle } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import { type EvidenceBundle, parseEvidence } from "../../core/evidence/bundle.ts";
import { clockToleranceMs } from "../../core/evidence/usable.ts";
import { collectEvidence } from "../collect/collect-evidence.ts";
import { type DatabaseConfig, type DatabaseNodeConfig, readUrlFile } from "../config/databases.ts";
import { type ServerAddress, serverAddress } from "../servers/server-address.ts";
import { ServerError } from "../servers/server-error.ts";
import { newCircuitBreaker } from "./circuit-breaker.ts";

/** What operators are told of a node. */
export interface NodeState {
  database: string;
  node: string;
  state: "not read yet" | "ok" | "failing";
  /** Failures in a row. */
  failures: number;
  /** Before then it is not asked again; null: it is whenever there is need. */
  retryAt: Date | null;
  lastRead: Date | null;
}

export interface NodeReader {
  readonly name: string;
  /** Reads the server unless it was read since `freshFrom`. Gives what is wrong (names the node, never a password), or null. Throws only what the store throws. */
  refresh(freshFrom: Date): Promise<string | null>;
  state(): NodeState;
  /** Resolves when nothing is being read. */
  idle(): Promise<void>;
}

export interface NodeReaderPorts {
  evidence: Pick<EvidenceStore, "add" | "lastPull">;
  clock: Clock;
  onRead(event: NodeReadEvent): void;
  /** How long one reading may keep anybody waiting, in ms; default: 20 s. */
  patienceMs?: number;
}

/** `error: null`: it was read. */
export interface NodeReadEvent {
  database: string;
  node: string;
  error: unknown;
}

const timeouts = { connect: 5_000, statement: 10_000, lock: 2_000 };
const defaultPatienceMs = 20_000;

/** Who stored a bundle that the gate read itself. */
const reader = "gate";

export function newNodeReader(database: DatabaseConfig, node: DatabaseNodeConfig, ports: NodeReaderPorts): NodeReader {
  const { evidence, clock, onRead, patienceMs = defaultPatienceMs } = ports;
  const breaker = newCircuitBreaker();
  let lastRead: Date | null = null;
  let current: { outcome: Promise<string | null>; inTime: Promise<string | null> } | null = null;

  /** A moment in the future is from before a clock was set back. */
  const isFresh = (freshFrom: Date) =>
    lastRead !== null && lastRead >= freshFrom && lastRead.getTime() <= clock.now().getTime() + clockToleranceMs;

  const attempt = async (freshFrom: Date): Promise<string | null> => {
    if (!isFresh(freshFrom)) lastRead = await evidence.lastPull(database.name, node.name);
    if (isFresh(freshFrom)) return null;
    const paused = breaker.pausedUntil(clock.now());
    if (paused !== null) {
      return `${breaker.failure()?.problem ?? node.name}. It is not asked again before ${paused.toISOString()}`;
    }
    const bundles = await read();
    if (typeof bundles === "string") return bundles;
    await evidence.add(database.name, bundles, reader);
    lastRead = clock.now();
    return null;
  };

  /** The bundle, or what is wrong. */
  const read = async (): Promise<ReceivedBundle[] | string> => {
    try {
      const address = addressOf(node);
      // As it will be read back from the store: its digest is over this.
      const raw: unknown = JSON.parse(JSON.stringify(await collectEvidence(address, { timeouts })));
      const bundles = parseEvidence(raw, address.label, "pulled").map((parsed) => ({ parsed, raw }));
      for (const { parsed } of bundles) {
        checkCluster(parsed.bundle, address, database);
        checkClock(parsed.bundle, address, clock.now());
      }
      breaker.succeeded();
      onRead({ database: database.name, node: node.name, error: null });
      return bundles;
    } catch (error) {
      const problem = error instanceof PlangateError ? error.message : `${node.name}: it could not be read`;
      breaker.failed(problem, clock.now());
      onRead({ database: database.name, node: node.name, error });
      return problem;
    }
  };

  /** Whoever comes while the server is read waits for the same reading. */
  const share = (freshFrom: Date): Promise<string | null> => {
    if (current === null) {
      const outcome = attempt(freshFrom).finally(() => {
        current = null;
      });
      const late = `${node.name}: it is still being read; send the request again in a minute`;
      current = { outcome, inTime: atMost(patienceMs, outcome, late) };
    }
    return current.inTime;
  };

  return {
    name: node.name,
    async refresh(freshFrom) {
      const problem = await share(freshFrom);
      // Whose reading it was may have been content with less.
      return problem === null && !isFresh(freshFrom) ? share(freshFrom) : problem;
    },
    state() {
      const failure = breaker.failure();
      return {
        database: database.name,
        node: node.name,
        state: failure !== null ? "failing" : lastRead === null ? "not read yet" : "ok",
        failures: failure?.count ?? 0,
        retryAt: breaker.pausedUntil(clock.now()),
        lastRead,
      };
    },
    async idle() {
      // Whoever asked for the reading is told of its failure; here only its end matters.
      await current?.outcome.catch(() => undefined);
    },
  };
}

function addressOf({ name, url, urlFile }: DatabaseNodeConfig): ServerAddress {
  if (urlFile === null) return serverAddress(name, url);
  const read = readUrlFile(urlFile);
  if ("url" in read) return serverAddress(name, read.url);
  throw new ServerError("bad-server-address", name, read.problem, "write the server's URL into the file");
}

function checkCluster({ server }: EvidenceBundle, { label }: ServerAddress, database: DatabaseConfig): void {
  const { name, systemIdentifier } = database;
  const found = server.systemIdentifier ?? "unknown";
  if (systemIdentifier === null || found === systemIdentifier) return;
  throw new ServerError(
    "other-cluster",
    label,
    `it is of the cluster ${found}, and ${name} is the cluster ${systemIdentifier}`,
    "correct its URL, or systemIdentifier, in the gate's configuration",
  );
}

/** What comes from the future would hide what is read after it. */
function checkClock({ capturedAt }: EvidenceBundle, { label }: ServerAddress, now: Date): void {
  if (capturedAt.getTime() <= now.getTime() + clockToleranceMs) return;
  const difference = `its clock says ${capturedAt.toISOString()}, and the gate's ${now.toISOString()}`;
  throw new ServerError("clock-ahead", label, difference, "set the clocks of both");
}

/** Whoever comes when the time is over does not wait again. */
function atMost(ms: number, outcome: Promise<string | null>, late: string): Promise<string | null> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => done(late), ms);
    outcome.then(done, fail).finally(() => clearTimeout(timer));
  });
}
