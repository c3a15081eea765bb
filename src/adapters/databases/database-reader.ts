import type { DatabaseReader, NodeReading } from "../../app/ports.ts";
import type { DatabaseConfig } from "../config/databases.ts";
import { type NodeReader, type NodeReaderPorts, type NodeState, newNodeReader } from "./node-reader.ts";

export interface RunningDatabaseReader extends DatabaseReader {
  states(): NodeState[];
  /** Stops reading on its own account, and waits for what is being read. */
  close(): Promise<void>;
}

/**
 * Reads the servers of the configured databases when a request needs it, and regularly: what indexes were used for over weeks, and
 * when they were made, is known only to who looks all the time.
 */
export function openDatabaseReader(
  databases: ReadonlyMap<string, DatabaseConfig>,
  ports: NodeReaderPorts & { onStoreFailure(error: unknown): void },
): RunningDatabaseReader {
  const readers = new Map(
    [...databases.values()].map((database) => [
      database.name,
      { database, nodes: database.nodes.map((node) => newNodeReader(database, node, ports)) },
    ]),
  );
  const refresh = async (name: string, freshForMs: number): Promise<NodeReading[]> => {
    const found = readers.get(name);
    if (found === undefined) return [];
    const freshFrom = new Date(ports.clock.now().getTime() - Math.min(freshForMs, found.database.refreshEveryMs));
    return Promise.all(
      found.nodes.map(async (node) => ({ node: node.name, problem: await node.refresh(freshFrom), freshFrom })),
    );
  };
  const timers = [...databases.values()].map(({ name, refreshEveryMs }) => {
    // Twice as often as needed, so that requests find what is fresh.
    const everyMs = refreshEveryMs / 2;
    const read = () => void refresh(name, everyMs).catch(ports.onStoreFailure);
    read();
    return setInterval(read, everyMs).unref();
  });
  const allNodes: readonly NodeReader[] = [...readers.values()].flatMap(({ nodes }) => nodes);
  return {
    names: [...databases.keys()],
    find(name) {
      const database = databases.get(name);
      if (database === undefined) return null;
      return { systemIdentifier: database.systemIdentifier, nodes: database.nodes.map((node) => node.name) };
    },
    refresh,
    states: () => allNodes.map((node) => node.state()),
    async close() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(allNodes.map((node) => node.idle()));
    },
  };
}
