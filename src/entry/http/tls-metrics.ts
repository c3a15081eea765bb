import { Counter, Gauge, type Registry } from "prom-client";
import type { TlsState } from "../../adapters/tls/tls-source.ts";
import type { AdmissionServerEvent } from "./admission-server.ts";

export interface TlsMetrics {
  tlsEvent(event: AdmissionServerEvent): void;
  /** From now on the metrics tell of this certificate. */
  watchTls(state: () => TlsState): void;
}

export function tlsMetrics(registers: Registry[]): TlsMetrics {
  const reloads = new Counter({
    name: "plangate_admission_tls_reloads_total",
    help: "Attempts to load a changed certificate, key or client CA, by result.",
    labelNames: ["result"],
    registers,
  });
  const failures = new Counter({
    name: "plangate_admission_tls_handshake_failures_total",
    help: "Connections to the admission address that did not come about, by reason.",
    labelNames: ["code"],
    registers,
  });
  return {
    tlsEvent(event) {
      if (event.kind === "reloaded") reloads.inc({ result: "ok" });
      else if (event.kind === "broken") reloads.inc({ result: "broken" });
      else if (event.kind === "handshake-failed") failures.inc({ code: event.code });
    },
    watchTls(state) {
      new Gauge({
        name: "plangate_admission_certificate_not_after_timestamp_seconds",
        help: "When the certificate of the admission address expires (Unix time).",
        registers,
        collect() {
          this.set(state().notAfter.getTime() / 1000);
        },
      });
      new Gauge({
        name: "plangate_admission_tls_stale",
        help: "1 while the certificate, key or client CA on disk cannot be used and the last good ones stand in.",
        registers,
        collect() {
          this.set(state().staleSince === null ? 0 : 1);
        },
      });
    },
  };
}
