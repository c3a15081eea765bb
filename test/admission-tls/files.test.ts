import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Writable } from "node:stream";
import pino from "pino";
import { startAdmissionServer } from "../../src/entry/http/admission-server.ts";
import { newTelemetry } from "../../src/entry/http/telemetry.ts";
import { logTlsEvent, tlsReadiness } from "../../src/entry/http/tls-report.ts";
import { cli } from "../cli/run.ts";
import { newAuthority } from "../support/certificates.ts";
import { fingerprint, serving, startWorld, temporaryDirectory, tlsFiles, until, type World } from "./world.ts";

/** Files that cannot be used: at the start they stop it, later the last good ones stay. The message names the file, and holds no key. */

const authority = newAuthority("plangate CA");
const pair = serving(authority);
const other = serving(authority);
const nameless = authority.issue({ name: "plangate.plangate.svc" });
const rsa1024 = generateKeyPairSync("rsa", {
  modulusLength: 1024,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const encrypted = generateKeyPairSync("ec", {
  namedCurve: "prime256v1",
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open sesame" },
  publicKeyEncoding: { type: "spki", format: "pem" },
}).privateKey;

const good = { "tls.crt": pair.certificate, "tls.key": pair.key, "client-ca.crt": authority.certificate };
type Files = Partial<Record<keyof typeof good, string | null>>;

/** What is put in place of the good files (null: the file is missing), and what is said about it. */
const unusable: [title: string, files: Files, message: string][] = [
  ["no certificate", { "tls.crt": null }, "tls.crt: there is no such file or directory"],
  ["no key", { "tls.key": null }, "tls.key: there is no such file or directory"],
  ["no client CA", { "client-ca.crt": null }, "client-ca.crt: there is no such file or directory"],
  [
    "nothing at all",
    { "tls.crt": null, "tls.key": null, "client-ca.crt": null },
    "tls.crt: there is no such file or directory",
  ],
  [
    "the certificate alone is new",
    { "tls.crt": other.certificate },
    "tls.key: is not the key of the (first) certificate in DIR/tls.crt",
  ],
  [
    "the key alone is new",
    { "tls.key": other.key },
    "tls.key: is not the key of the (first) certificate in DIR/tls.crt",
  ],
  [
    "the chain is in the wrong order",
    { "tls.crt": authority.certificate + pair.certificate },
    "tls.key: is not the key of the (first) certificate in DIR/tls.crt",
  ],
  [
    "empty files",
    { "tls.crt": "", "tls.key": "" },
    "tls.crt: must hold at least one certificate in PEM form (-----BEGIN CERTIFICATE-----)",
  ],
  [
    "garbage",
    { "tls.crt": "\0\u0001garbage" },
    "tls.crt: must hold at least one certificate in PEM form (-----BEGIN CERTIFICATE-----)",
  ],
  [
    "garbage in PEM's clothes",
    { "tls.crt": "-----BEGIN CERTIFICATE-----\nZ2FyYmFnZQ==\n-----END CERTIFICATE-----\n" },
    "tls.crt: its certificate number 1 cannot be read",
  ],
  [
    "half a certificate",
    { "tls.crt": pair.certificate.slice(0, 300) },
    "tls.crt: must hold at least one certificate in PEM form (-----BEGIN CERTIFICATE-----)",
  ],
  [
    "half a chain",
    { "tls.crt": pair.certificate + authority.certificate.slice(0, 300) },
    "tls.crt: ends within a certificate",
  ],
  [
    "a broken second certificate",
    { "tls.crt": `${pair.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` },
    "tls.crt: its certificate number 2 cannot be read",
  ],
  [
    "certificate and key mixed up",
    { "tls.crt": pair.key, "tls.key": pair.certificate },
    "tls.crt: must hold at least one certificate in PEM form (-----BEGIN CERTIFICATE-----)",
  ],
  [
    "a certificate in place of the key",
    { "tls.key": pair.certificate },
    "tls.key: must hold a private key in PEM form (-----BEGIN PRIVATE KEY-----)",
  ],
  ["half a key", { "tls.key": pair.key.slice(0, 100) }, "tls.key: is not a private key that can be read"],
  ["a key with a passphrase", { "tls.key": encrypted }, "tls.key: is encrypted; write it without a passphrase"],
  [
    "another kind of key",
    { "tls.key": rsa1024.privateKey },
    "tls.key: is not the key of the (first) certificate in DIR/tls.crt",
  ],
  [
    "a certificate without a host's name",
    { "tls.crt": nameless.certificate, "tls.key": nameless.key },
    "tls.crt: names no host as subjectAltName, and API servers look at no other name",
  ],
  [
    "garbage as client CA",
    { "client-ca.crt": "garbage" },
    "client-ca.crt: must hold at least one certificate in PEM form (-----BEGIN CERTIFICATE-----)",
  ],
  [
    "half a client CA",
    { "client-ca.crt": authority.certificate + authority.certificate.slice(0, 200) },
    "client-ca.crt: ends within a certificate",
  ],
];

const secrets = [pair.key, other.key, rsa1024.privateKey, encrypted].flatMap((pem) =>
  pem.split("\n").filter((line) => line.length > 30 && !line.includes("-----")),
);

function write(directory: string, files: Files): void {
  for (const [name, content] of Object.entries({ ...good, ...files })) {
    if (content === null) rmSync(path.join(directory, name), { force: true });
    else writeFileSync(path.join(directory, name), content);
  }
}

describe("at the start", () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const start = () =>
    startAdmissionServer({
      handler: () => {},
      listen: { address: "127.0.0.1", port: 0, tls: tlsFiles(directory, true) },
      clock: { now: () => new Date() },
      onEvent: () => {},
    });

  it.each(unusable)("%s", async (_title, files, message) => {
    write(directory, files);
    const expected = `${directory}/${message.replace("DIR", directory)}`;
    await expect(start()).rejects.toMatchObject({
      code: "unusable-tls-files",
      message: expect.stringContaining(expected),
    });
  });

  it("a directory in place of a file", async () => {
    write(directory, { "tls.key": null });
    mkdirSync(path.join(directory, "tls.key"));
    await expect(start()).rejects.toThrow(`${directory}/tls.key: this is a directory`);
  });

  it("a port that another program has", async () => {
    write(directory, {});
    const first = await start();
    const port = Number(new URL(first.url).port);
    const second = startAdmissionServer({
      handler: () => {},
      listen: { address: "127.0.0.1", port, tls: tlsFiles(directory) },
      clock: { now: () => new Date() },
      onEvent: () => {},
    });
    await expect(second).rejects.toMatchObject({
      code: "listen",
      message: `The gate cannot listen on 127.0.0.1 port ${port}: another program listens there. Set another port in \`listen.admission\`.`,
    });
    await first.close();
  });
});

describe("plangate serve --check-config", () => {
  const check = async (files: Files) => {
    const directory = temporaryDirectory();
    try {
      write(directory, files);
      mkdirSync(path.join(directory, "policies"));
      const policy =
        "version: 1\npolicy: deploys\nappliesTo: { changes: [deploy] }\nenforcement: deny\nrules: { opaque-sql: {} }\n";
      writeFileSync(path.join(directory, "policies/deploys.yaml"), policy);
      const tls = "{ cert: tls.crt, key: tls.key, clientCa: client-ca.crt }";
      const config = `listen: { admission: { address: "::", port: 8443, tls: ${tls} } }\n`;
      writeFileSync(path.join(directory, "plangate.yaml"), config);
      const { code, stdout, stderr } = await cli(["serve", "--check-config"], { cwd: directory });
      return { code, said: (stdout + stderr).replaceAll(directory, "DIR") };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };

  it("reads certificate, key and client CA", async () => {
    expect(await check({})).toEqual({ code: 0, said: expect.stringContaining("The configuration is valid.") });
    const said = expect.stringContaining("DIR/tls.key: is not the key of the (first) certificate in DIR/tls.crt");
    expect(await check({ "tls.key": other.key })).toEqual({ code: 1, said });
  });
});

describe("while the gate runs", () => {
  let world: World;
  const lines: string[] = [];
  const log = pino({}, new Writable({ write: (line, _encoding, done) => done(void lines.push(String(line))) }));
  const telemetry = newTelemetry(() => ({ staleSince: null }));
  let now = new Date();

  beforeAll(async () => {
    world = await startWorld({
      authority,
      clientCa: authority.certificate,
      clock: { now: () => now },
      onEvent(event) {
        telemetry.tlsEvent(event);
        logTlsEvent(log, event);
      },
    });
    telemetry.watchTls(() => world.server.state());
  });
  afterAll(() => world.cleanup());

  const api = authority.issue({ name: "kube-apiserver" });
  const client = () => world.client({ clientCertificate: api, keepAlive: false });
  const files = (changed: Files): Record<string, string> =>
    Object.fromEntries(
      Object.entries({ ...good, ...changed }).filter((entry): entry is [string, string] => entry[1] !== null),
    );

  it.each(unusable)(
    "%s: the last good files stay, until there are good ones again",
    async (_title, changed, message) => {
      const { server, mount, directory } = world;
      mount.replace(files({}));
      await server.reload();
      const before = server.state();
      expect(before.staleSince).toBeNull();
      lines.length = 0;

      mount.replace(files(changed));
      await server.reload();
      expect(server.state()).toEqual({ ...before, staleSince: now });
      expect(tlsReadiness(server.state(), now)).toBe(`stale since ${now.toISOString()}`);
      expect(await client().call("/admission/production")).toMatchObject({ fingerprint: before.fingerprint });
      const [line = ""] = lines;
      expect(JSON.parse(line)).toMatchObject({
        level: 50,
        error: { code: "unusable-tls-files", message: expect.stringContaining(message.replace("DIR", directory)) },
      });
      expect(secrets.filter((secret) => lines.join().includes(secret))).toEqual([]);
      expect((await telemetry.text()).body).toContain("plangate_admission_tls_stale 1");

      mount.replace(files({ "tls.crt": other.certificate, "tls.key": other.key }));
      await server.reload();
      expect(server.state()).toMatchObject({ fingerprint: fingerprint(other), staleSince: null });
      expect(tlsReadiness(server.state(), now)).toBe("ok");
      expect(await client().call("/admission/production")).toMatchObject({ fingerprint: fingerprint(other) });
      expect((await telemetry.text()).body).toContain("plangate_admission_tls_stale 0");
    },
  );

  it("tells since when the files have been unusable, not since when they are unusable in another way", async () => {
    const { server, mount } = world;
    mount.replace(files({}));
    await server.reload();
    const since = now;
    mount.replace(files({ "tls.key": "garbage" }));
    await server.reload();
    now = new Date(now.getTime() + 60_000);
    mount.replace(files({ "tls.crt": "garbage" }));
    await server.reload();
    expect(server.state().staleSince).toEqual(since);
  });

  it("counts attempts to load", async () => {
    const { server, mount } = world;
    const count = async (result: string) => {
      const pattern = new RegExp(`^plangate_admission_tls_reloads_total\\{result="${result}"\\} (\\d+)$`, "m");
      return Number((await telemetry.text()).body.match(pattern)?.[1]);
    };
    mount.replace(files({}));
    await server.reload();
    const [ok, broken] = [await count("ok"), await count("broken")];
    mount.replace(files({ "tls.key": null }));
    await until(() => server.state().staleSince !== null);
    expect(await count("broken")).toBeGreaterThan(broken);
    mount.replace(files({}));
    await until(() => server.state().staleSince === null);
    expect(await count("ok")).toBeGreaterThan(ok);
  });
});
