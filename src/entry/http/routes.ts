import { getDecision } from "./get-decision.ts";
import { getEvidence } from "./get-evidence.ts";
import { getWindows } from "./get-windows.ts";
import { healthz } from "./healthz.ts";
import { jwks } from "./jwks.ts";
import { listDecisions } from "./list-decisions.ts";
import { metrics } from "./metrics.ts";
import { openapiRoute } from "./openapi.ts";
import { postDecision } from "./post-decision.ts";
import { postEvidence } from "./post-evidence.ts";
import { readyz } from "./readyz.ts";
import type { Route } from "./route.ts";

const documented: readonly Route[] = [
  postDecision,
  listDecisions,
  getDecision,
  getWindows,
  postEvidence,
  getEvidence,
  jwks,
  healthz,
  readyz,
  metrics,
];

/** Every route of the API's address. */
export const apiRoutes: readonly Route[] = [...documented, openapiRoute(documented)];

/** Metrics can have an address of their own, which is for collectors of metrics: nobody authenticates there. */
export const metricsRoutes: readonly Route[] = [{ ...metrics, access: "open" }, healthz];
