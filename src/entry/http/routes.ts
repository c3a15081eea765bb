import type { z } from "zod";
import { admissionReadyz } from "./admission-readyz.ts";
import { getDecision } from "./get-decision.ts";
import { getEvidence } from "./get-evidence.ts";
import { getWindows } from "./get-windows.ts";
import { healthz } from "./healthz.ts";
import { jwks } from "./jwks.ts";
import { listDecisions } from "./list-decisions.ts";
import { metrics } from "./metrics.ts";
import { openapiRoute } from "./openapi.ts";
import { type AdmissionGate, postAdmission } from "./post-admission.ts";
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

/** The admission address: for API servers, and for what watches over the gate. */
export const admissionRoutes: readonly Route<z.ZodObject, AdmissionGate>[] = [
  postAdmission,
  admissionReadyz,
  healthz,
  jwks,
];
