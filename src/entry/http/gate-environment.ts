import type { Clock } from "../../app/ports.ts";
import type { Log } from "./log.ts";

export interface GateEnvironment {
  clock: Clock;
  log: Log;
  timeZoneDatabase: string;
  /** plangate.yaml, whose `revoked` is read again while the gate runs. Absent: there is none. */
  configFile?: string;
  /** Told before the embedded database is made, which takes seconds. */
  onFirstStart(): void;
}

/** What was opened is closed in the opposite order. */
export type OnStop = (close: () => Promise<void>) => void;
