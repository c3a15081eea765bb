import { newTelemetry } from "../../src/entry/http/telemetry.ts";
import { tlsReadiness } from "../../src/entry/http/tls-report.ts";
import { serving, startWorld, type World } from "./world.ts";

/** An expired certificate is served, since none would be worse, and reported; a week before too. */

const notAfter = new Date("2035-06-30T12:00:00.000Z");
const at = (text: string) => new Date(`2035-${text}Z`);
let now: Date;
let world: World;
const start = async (instant: Date) => {
  now = instant;
  world = await startWorld({ wish: { notAfter }, clock: { now: () => now } });
};
const later = async (instant: Date) => {
  now = instant;
  await world.server.reload();
};
const warnings = () =>
  world.events.flatMap((event) => (event.kind === "expiring" ? [`${now.toISOString()} ${event.expired}`] : []));
afterEach(() => world.cleanup());

it("warns when less than a week is left, every day from then on, and at the end", async () => {
  await start(at("06-23T12:00:00"));
  expect(warnings()).toEqual([]);
  const instants = [
    "06-23T12:00:01",
    "06-23T18:00:00",
    "06-24T12:00:00",
    "06-24T12:00:01",
    "06-30T11:59:59",
    "06-30T12:00:00",
    "06-30T12:00:01",
    "07-01T12:00:00",
    "07-01T12:00:01",
  ];
  const seen: string[] = [];
  for (const instant of instants) {
    const before = world.events.length;
    await later(at(instant));
    const event = world.events.slice(before).find(({ kind }) => kind === "expiring");
    seen.push(`${instant} ${event?.kind === "expiring" ? (event.expired ? "expired" : "warned") : "-"}`);
  }
  expect(seen).toEqual([
    "06-23T12:00:01 warned",
    "06-23T18:00:00 -",
    "06-24T12:00:00 -",
    "06-24T12:00:01 warned",
    "06-30T11:59:59 warned",
    "06-30T12:00:00 -",
    "06-30T12:00:01 expired",
    "07-01T12:00:00 -",
    "07-01T12:00:01 expired",
  ]);
});

it("warns at the start", async () => {
  await start(at("06-29T00:00:00"));
  expect(warnings()).toEqual(["2035-06-29T00:00:00.000Z false"]);
  expect(tlsReadiness(world.server.state(), now)).toBe("expires at 2035-06-30T12:00:00.000Z");
});

it("starts with a certificate that has expired, and says so", async () => {
  await start(at("08-01T00:00:00"));
  expect(warnings()).toEqual(["2035-08-01T00:00:00.000Z true"]);
  expect(tlsReadiness(world.server.state(), now)).toBe("expired at 2035-06-30T12:00:00.000Z");
});

it("serves a certificate that has expired: an API server refuses it, whoever looks finds out why", async () => {
  now = new Date();
  const yesterday = new Date(now.getTime() - 24 * 3_600_000);
  world = await startWorld({ wish: { notBefore: new Date(0), notAfter: yesterday } });
  await expect(world.client().call("/admission/production")).rejects.toMatchObject({ code: "CERT_HAS_EXPIRED" });
});

it("a certificate that is not valid yet is told too", async () => {
  now = at("01-01T00:00:00");
  world = await startWorld({ wish: { notBefore: at("01-02T00:00:00"), notAfter }, clock: { now: () => now } });
  expect(tlsReadiness(world.server.state(), now)).toBe("not valid before 2035-01-02T00:00:00.000Z");
});

it("the next certificate ends the warnings, and the metric tells of it", async () => {
  await start(at("06-29T00:00:00"));
  const telemetry = newTelemetry(() => ({ staleSince: null }));
  telemetry.watchTls(() => world.server.state());
  const metric = async () =>
    (await telemetry.text()).body.match(/^plangate_admission_certificate_not_after_timestamp_seconds (.*)$/m)?.[1];
  expect(await metric()).toBe(String(notAfter.getTime() / 1000));

  const next = serving(world.authority, { notAfter: new Date("2055-09-30T12:00:00Z") });
  world.mount.replace({ "tls.crt": next.certificate, "tls.key": next.key });
  await later(at("06-30T00:00:01"));
  expect(warnings()).toHaveLength(1);
  expect(tlsReadiness(world.server.state(), now)).toBe("ok");
  expect(await metric()).toBe(String(Date.parse("2055-09-30T12:00:00Z") / 1000));
});
