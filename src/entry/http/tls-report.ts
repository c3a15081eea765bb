import { expiryWarningMs, type TlsState } from "../../adapters/tls/tls-source.ts";
import type { AdmissionServerEvent } from "./admission-server.ts";
import { describeError, type Log } from "./log.ts";

export function logTlsEvent(log: Log, event: AdmissionServerEvent): void {
  if (event.kind === "reloaded") {
    log.info(describe(event.state), "the certificate of the admission address was loaded again");
  } else if (event.kind === "broken") {
    const fields = { error: describeError(event.error), staleSince: event.staleSince.toISOString() };
    log.error(fields, "certificate, key or client CA of the admission address cannot be used; the last good ones stay");
  } else if (event.kind === "expiring") {
    if (event.expired) log.error(describe(event.state), "the certificate of the admission address has expired");
    else log.warn(describe(event.state), "the certificate of the admission address expires in less than 7 days");
  } else if (event.kind === "not-watched") {
    log.warn(
      { error: describeError(event.error) },
      "the certificate files are not watched; changes are noticed every 5 s",
    );
  } else {
    // Anybody can bring these about, as often as they like: they are counted, see the metrics.
    log.debug({ code: event.code }, "a TLS handshake on the admission address failed");
  }
}

function describe({ fingerprint, notBefore, notAfter }: TlsState) {
  return { fingerprint, notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString() };
}

/** For readiness: `ok`, or what is wrong. None of it makes a gate unready: the last good certificate serves better than none. */
export function tlsReadiness({ staleSince, notBefore, notAfter }: TlsState, at: Date): string {
  if (notAfter < at) return `expired at ${notAfter.toISOString()}`;
  if (notBefore > at) return `not valid before ${notBefore.toISOString()}`;
  if (staleSince !== null) return `stale since ${staleSince.toISOString()}`;
  if (notAfter.getTime() - at.getTime() < expiryWarningMs) return `expires at ${notAfter.toISOString()}`;
  return "ok";
}
