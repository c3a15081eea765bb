import type { MigrationFormat } from "../core/request.ts";
import type {
  Clock,
  DatabaseReader,
  DecisionStore,
  EvidenceStore,
  EvidenceTrust,
  HumanTokens,
  IdempotencyStore,
  PassIssuer,
  PolicySource,
} from "./ports.ts";

export interface GatePorts {
  clock: Clock;
  policies: PolicySource;
  decisions: DecisionStore;
  evidence: EvidenceStore;
  evidenceTrust: EvidenceTrust;
  humanTokens: HumanTokens;
  passes: PassIssuer;
  databases: DatabaseReader;
  idempotency: IdempotencyStore;
}

export interface GateSettings {
  /** How long a broken policy set may go on being replaced by the last good one. */
  staleAfterMs: number;
  unmatched: "reject" | "approve";
  leaseMs: number;
  timeZoneDatabase: string;
  services: ReadonlyMap<string, { migrationFormat: MigrationFormat | null; database: string | null }>;
}
